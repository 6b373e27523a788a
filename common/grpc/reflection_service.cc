#include "common/grpc/reflection_service.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <grpcpp/impl/server_builder_plugin.h>
#include <grpcpp/impl/server_initializer.h>

#include <set>
#include <utility>

#include "common/grpc/call_ending.h"
#include "common/grpc/request_stream.h"

namespace souvenir {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using grpc::reflection::v1alpha::ExtensionRequest;
using Request = grpc::reflection::v1alpha::ServerReflectionRequest;
using Response = grpc::reflection::v1alpha::ServerReflectionResponse;

// gRPC tells a plugin which services a server has once all are registered.
class ServiceList final : public grpc::ServerBuilderOption {
 public:
  explicit ServiceList(std::vector<std::string>* services) : services_(services) {}

  void UpdateArguments(grpc::ChannelArguments*) override {}
  void UpdatePlugins(std::vector<std::unique_ptr<grpc::ServerBuilderPlugin>>* plugins) override {
    plugins->push_back(std::make_unique<Plugin>(services_));
  }

 private:
  class Plugin final : public grpc::ServerBuilderPlugin {
   public:
    explicit Plugin(std::vector<std::string>* services) : services_(services) {}
    std::string name() override { return "souvenir.reflection"; }
    void InitServer(grpc::ServerInitializer*) override {}
    void Finish(grpc::ServerInitializer* server) override {
      *services_ = *server->GetServiceList();
    }
    void ChangeArguments(const std::string&, void*) override {}

   private:
    std::vector<std::string>* const services_;
  };

  std::vector<std::string>* const services_;
};

// Adds `file`, and all that it imports, to `response`.
void AddFile(const FileDescriptor& file, std::set<const FileDescriptor*>* added,
             Response* response) {
  if (!added->insert(&file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  proto.SerializeToString(
      response->mutable_file_descriptor_response()->add_file_descriptor_proto());
  for (int i = 0; i < file.dependency_count(); ++i) {
    AddFile(*file.dependency(i), added, response);
  }
}

const FileDescriptor* FileOfExtension(const ExtensionRequest& request) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  const Descriptor* const type = pool.FindMessageTypeByName(request.containing_type());
  if (type == nullptr) return nullptr;
  const FieldDescriptor* const extension =
      pool.FindExtensionByNumber(type, request.extension_number());
  return extension == nullptr ? nullptr : extension->file();
}

void Fail(grpc::StatusCode code, const char* message, Response* response) {
  response->mutable_error_response()->set_error_code(code);
  response->mutable_error_response()->set_error_message(message);
}

void AnswerFile(const FileDescriptor* file, Response* response) {
  if (file == nullptr) {
    return Fail(grpc::StatusCode::NOT_FOUND, "the server has nothing of that name", response);
  }
  std::set<const FileDescriptor*> added;
  AddFile(*file, &added, response);
}

void AnswerExtensionNumbers(const std::string& name, Response* response) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  const Descriptor* const type = pool.FindMessageTypeByName(name);
  if (type == nullptr) return AnswerFile(nullptr, response);
  auto* const numbers = response->mutable_all_extension_numbers_response();
  numbers->set_base_type_name(type->full_name());
  std::vector<const FieldDescriptor*> extensions;
  pool.FindAllExtensions(type, &extensions);
  for (const FieldDescriptor* extension : extensions) {
    numbers->add_extension_number(extension->number());
  }
}

}  // namespace

class ReflectionService::Call final : public RequestStream<Request, Response> {
 public:
  Call(ReflectionService* service, grpc::CallbackServerContext* context)
      : RequestStream(&service->streams_, 1, absl::UnavailableError("the server is stopping")),
        service_(*service),
        ending_(EndingOf(context)) {}

 private:
  void Handle(uint64_t number, Request* request) override {
    Response response;
    service_.Answer(*request, &response);
    UnreadAnswers::Answer counted;
    if (service_.unread_ != nullptr) {
      counted = service_.unread_->Add(response.ByteSizeLong(), ending_);
    }
    Answer(number, std::move(response), std::move(counted));
  }

  const ReflectionService& service_;
  const UnreadAnswers::GiveUp ending_;  // ends the stream
};

std::unique_ptr<grpc::ServerBuilderOption> ReflectionService::LearnServices() {
  return std::make_unique<ServiceList>(&services_);
}

grpc::ServerBidiReactor<Request, Response>* ReflectionService::ServerReflectionInfo(
    grpc::CallbackServerContext* context) {
  const auto call = std::make_shared<Call>(this, context);
  call->Begin(absl::OkStatus());
  return call.get();
}

void ReflectionService::Answer(const Request& request, Response* response) const {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  response->set_valid_host(request.host());
  *response->mutable_original_request() = request;
  switch (request.message_request_case()) {
    case Request::kFileByFilename:
      return AnswerFile(pool.FindFileByName(request.file_by_filename()), response);
    case Request::kFileContainingSymbol:
      return AnswerFile(pool.FindFileContainingSymbol(request.file_containing_symbol()), response);
    case Request::kFileContainingExtension:
      return AnswerFile(FileOfExtension(request.file_containing_extension()), response);
    case Request::kAllExtensionNumbersOfType:
      return AnswerExtensionNumbers(request.all_extension_numbers_of_type(), response);
    case Request::kListServices:
      for (const std::string& service : services_) {
        response->mutable_list_services_response()->add_service()->set_name(service);
      }
      return;
    case Request::MESSAGE_REQUEST_NOT_SET:
      return Fail(grpc::StatusCode::INVALID_ARGUMENT, "the request asks nothing", response);
  }
}

}  // namespace souvenir
