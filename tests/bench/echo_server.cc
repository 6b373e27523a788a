// bench-echo-server does the least that a server of the project's protocols can do. It answers
// every call with the same message, so that a cache hit can be compared with the cost of gRPC
// alone.
//
// With --handlers=typed gRPC parses the request and serializes the answer. With --handlers=raw both
// stay bytes. A method can have only one handler, so a comparison needs two processes.

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "common/grpc/grpc_server.h"
#include "common/grpc/run_until_signal.h"
#include "common/logging/logging.h"
#include "common/souvenir_names.h"
#include "inference/grpc_service.grpc.pb.h"
#include "souvenir/v1/translation.grpc.pb.h"
#include "tests/bench/command_line.h"

ABSL_FLAG(std::string, listen, "127.0.0.1:0", "host:port; port 0 is any that is free");
ABSL_FLAG(std::string, handlers, "typed", "typed or raw");
ABSL_FLAG(std::string, text, "Hola", "the translation that every answer holds");

namespace souvenir::bench {
namespace {

constinit Logger log{"main"};

// Returns an answer with the length and the fields of a real one from the memory tier.
v1::TranslateResponse FixedTranslation(const std::string& text) {
  v1::TranslateResponse response;
  response.set_source_language("en");
  v1::Translation* const translation = response.add_translations();
  translation->set_target_language("es");
  translation->set_text(text);
  translation->add_route("apertium-eng-spa");
  v1::Provenance* const provenance = translation->mutable_provenance();
  provenance->set_kind(v1::CACHE_KIND_MEMORY);
  provenance->mutable_age()->set_seconds(5);
  provenance->mutable_age()->set_nanos(123'456'789);
  provenance->set_model("apertium-eng-spa");
  provenance->set_model_version("1");
  provenance->mutable_compute_time()->set_nanos(1'500'000);
  provenance->set_key(std::string(64, 'a'));
  return response;
}

inference::ModelInferResponse FixedInference(const std::string& text) {
  inference::ModelInferResponse response;
  response.set_model_name("apertium-eng-spa");
  response.set_model_version("1");
  (*response.mutable_parameters())[kComputeTimeName].set_int64_param(0);
  (*response.mutable_parameters())[kDigestName].set_string_param(std::string(64, 'a'));
  auto* const output = response.add_outputs();
  output->set_name("translation");
  output->set_datatype("BYTES");
  output->add_shape(1);
  output->add_shape(1);
  std::string raw(4, '\0');
  for (int i = 0; i < 4; ++i) raw[i] = static_cast<char>(text.size() >> (8 * i));
  response.add_raw_output_contents(raw + text);
  return response;
}

using TranslationBase = v1::TranslationService;
using InferenceBase = inference::GRPCInferenceService;

// Immutable after construction; any number of threads call it.
class TypedTranslation final
    : public TranslationBase::WithCallbackMethod_Translate<TranslationBase::Service> {
 public:
  explicit TypedTranslation(const std::string& text) : response_(FixedTranslation(text)) {}

  grpc::ServerUnaryReactor* Translate(grpc::CallbackServerContext* context,
                                      const v1::TranslateRequest* request,
                                      v1::TranslateResponse* response) override {
    *response = response_;
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const v1::TranslateResponse response_;
};

class TypedInference final
    : public InferenceBase::WithCallbackMethod_ModelInfer<InferenceBase::Service> {
 public:
  explicit TypedInference(const std::string& text) : response_(FixedInference(text)) {}

  grpc::ServerUnaryReactor* ModelInfer(grpc::CallbackServerContext* context,
                                       const inference::ModelInferRequest* request,
                                       inference::ModelInferResponse* response) override {
    *response = response_;
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const inference::ModelInferResponse response_;
};

grpc::ByteBuffer Serialize(const google::protobuf::Message& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

class RawTranslation final
    : public TranslationBase::WithRawCallbackMethod_Translate<TranslationBase::Service> {
 public:
  explicit RawTranslation(const std::string& text) : response_(Serialize(FixedTranslation(text))) {}

  grpc::ServerUnaryReactor* Translate(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override {
    *response = response_;  // refers to the same bytes
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const grpc::ByteBuffer response_;
};

class RawInference final
    : public InferenceBase::WithRawCallbackMethod_ModelInfer<InferenceBase::Service> {
 public:
  explicit RawInference(const std::string& text) : response_(Serialize(FixedInference(text))) {}

  grpc::ServerUnaryReactor* ModelInfer(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override {
    *response = response_;
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const grpc::ByteBuffer response_;
};

int Run() {
  BlockSignals();
  const absl::Status logging = InitLogging(LogOptions());
  if (!logging.ok()) return 1;
  const std::string text = absl::GetFlag(FLAGS_text);
  const std::string handlers = absl::GetFlag(FLAGS_handlers);
  std::unique_ptr<grpc::Service> translation;
  std::unique_ptr<grpc::Service> inference;
  if (handlers == "typed") {
    translation = std::make_unique<TypedTranslation>(text);
    inference = std::make_unique<TypedInference>(text);
  } else if (handlers == "raw") {
    translation = std::make_unique<RawTranslation>(text);
    inference = std::make_unique<RawInference>(text);
  } else {
    fmt::print(stderr, "--handlers={}; it can be typed or raw\n", handlers);
    return 2;
  }
  GrpcServer::Options options;
  options.address = absl::GetFlag(FLAGS_listen);
  options.services = {translation.get(), inference.get()};
  options.connections.max_connections_per_peer = options.connections.max_connections;
  auto server = GrpcServer::Start(options);
  if (!server.ok()) {
    fmt::print(stderr, "{}\n", std::string(server.status().message()));
    return 1;
  }
  log.Info("serving", {{"listen", fmt::format("127.0.0.1:{}", (*server)->port())}});
  RunUntilSignal({.stop = [&] { (*server)->Shutdown(absl::Seconds(1)); },
                  .reload = [] { return absl::OkStatus(); }});
  return 0;
}

}  // namespace
}  // namespace souvenir::bench

int main(int argc, char** argv) {
  souvenir::bench::ParseCommandLine(argc, argv,
                                    "answers Translate and ModelInfer with a fixed message");
  return souvenir::bench::Run();
}
