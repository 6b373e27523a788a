#pragma once

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::compute {

// Returns a request to the model "echo", with a row for each text, in raw form.
inline inference::ModelInferRequest EchoRequest(const std::vector<std::string>& texts) {
  inference::ModelInferRequest request;
  request.set_model_name("echo");
  auto* input = request.add_inputs();
  input->set_name("text");
  input->set_datatype("BYTES");
  input->add_shape(static_cast<int64_t>(texts.size()));
  input->add_shape(1);
  std::string* raw = request.add_raw_input_contents();
  for (const std::string& text : texts) AppendBytesElement(text, raw);
  return request;
}

// A client of one port of the compute service on this machine. Thread-safe.
class ComputeClient {
 public:
  explicit ComputeClient(int port)
      : channel_(grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                     grpc::InsecureChannelCredentials())),
        stub_(inference::GRPCInferenceService::NewStub(channel_)) {}

  inference::GRPCInferenceService::Stub& stub() { return *stub_; }

  grpc::Status Infer(const inference::ModelInferRequest& request,
                     inference::ModelInferResponse* response) {
    grpc::ClientContext context;
    return stub_->ModelInfer(&context, request, response);
  }

  // Same as Infer(), but on another thread. `context` must outlive the answer.
  std::future<grpc::Status> InferLater(inference::ModelInferRequest request,
                                       grpc::ClientContext* context) {
    return std::async(std::launch::async, [this, request = std::move(request), context] {
      inference::ModelInferResponse response;
      return stub_->ModelInfer(context, request, &response);
    });
  }
  std::future<grpc::Status> InferLater(inference::ModelInferRequest request) {
    return std::async(std::launch::async, [this, request = std::move(request)] {
      inference::ModelInferResponse response;
      return Infer(request, &response);
    });
  }

  // Returns the state of a model in the repository's index, and its reason: "READY: loads on
  // demand".
  std::string IndexOf(const std::string& model) {
    grpc::ClientContext context;
    inference::RepositoryIndexResponse response;
    const grpc::Status status = stub_->RepositoryIndex(&context, {}, &response);
    if (!status.ok()) return status.error_message();
    for (const auto& index : response.models()) {
      if (index.name() == model) return index.state() + ": " + index.reason();
    }
    return "absent";
  }

  // Returns the health of `service` by grpc.health.v1: SERVING, NOT_SERVING, or the number of the
  // status code.
  std::string Health(const std::string& service) {
    // HealthCheckRequest has one field, a string with number 1; HealthCheckResponse an enum with
    // number 1.
    const std::string request = std::string("\x0a") + static_cast<char>(service.size()) + service;
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::GenericStub stub(channel_);
    const grpc::Slice slice(request);
    const auto call = stub.PrepareUnaryCall(&context, "/grpc.health.v1.Health/Check",
                                            grpc::ByteBuffer(&slice, 1), &queue);
    grpc::ByteBuffer response;
    grpc::Status status;
    call->StartCall();
    call->Finish(&response, &status, this);
    Next(&queue);
    if (!status.ok()) return std::to_string(status.error_code());
    return Bytes(response) == "\x08\x01" ? "SERVING" : "NOT_SERVING";
  }

  // Returns, as bytes, the list of services from grpc.reflection.v1alpha.
  std::string Reflection() {
    const grpc::Slice slice(std::string("\x3a\x01*", 3));  // the field list_services, number 7
    grpc::ClientContext context;
    grpc::CompletionQueue queue;
    grpc::GenericStub stub(channel_);
    const auto call = stub.PrepareCall(
        &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
    grpc::ByteBuffer response;
    grpc::Status status;
    call->StartCall(this);
    Next(&queue);
    call->Write(grpc::ByteBuffer(&slice, 1), this);
    Next(&queue);
    call->Read(&response, this);
    Next(&queue);
    call->WritesDone(this);
    Next(&queue);
    call->Finish(&status, this);
    Next(&queue);
    return Bytes(response);
  }

 private:
  static void Next(grpc::CompletionQueue* queue) {
    void* tag;
    bool ok;
    queue->Next(&tag, &ok);
  }
  static std::string Bytes(const grpc::ByteBuffer& buffer) {
    grpc::Slice slice;
    if (!buffer.DumpToSingleSlice(&slice).ok()) return "";
    return std::string(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<inference::GRPCInferenceService::Stub> stub_;
};

}  // namespace souvenir::compute
