#pragma once

#include <functional>
#include <string>

#include "common/grpc/rpc_entry.h"
#include "gateway/catalog/catalog.h"
#include "gateway/rpc/target_directory.h"
#include "gateway/rpc/unary_call.h"
#include "gateway/upstream/upstream.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::gateway {

// gRPC's CallbackService, but without ModelInfer and ModelStreamInfer, whose handlers take bytes. A
// stream handler of bytes cannot override one of messages, because their return types differ.
template <typename Base>
using InferenceCallbacks = inference::GRPCInferenceService::WithCallbackMethod_ServerLive<
    inference::GRPCInferenceService::WithCallbackMethod_ServerReady<
        inference::GRPCInferenceService::WithCallbackMethod_ModelReady<
            inference::GRPCInferenceService::WithCallbackMethod_ServerMetadata<
                inference::GRPCInferenceService::WithCallbackMethod_ModelMetadata<
                    inference::GRPCInferenceService::WithCallbackMethod_ModelConfig<
                        inference::GRPCInferenceService::WithCallbackMethod_ModelStatistics<
                            inference::GRPCInferenceService::WithCallbackMethod_RepositoryIndex<
                                inference::GRPCInferenceService::
                                    WithCallbackMethod_RepositoryModelLoad<
                                        inference::GRPCInferenceService::
                                            WithCallbackMethod_RepositoryModelUnload<Base>>>>>>>>>>;

// The Open Inference Protocol over the catalog, Resolver and the upstream. Descriptions of models
// come from the catalog, so they are available while compute is away.
//
// Owned by the gateway; thread-safe.
class InferenceService final
    : public inference::GRPCInferenceService::WithRawCallbackMethod_ModelInfer<
          inference::GRPCInferenceService::WithRawCallbackMethod_ModelStreamInfer<
              InferenceCallbacks<inference::GRPCInferenceService::Service>>> {
 public:
  // Every value is valid.
  struct Options {
    std::string version;          // of this program
    absl::Duration call_timeout;  // of calls that are passed on to compute
    // The error of loads and unloads if `repositories` is null. OK: PERMISSION_DENIED, because the
    // port is public.
    absl::Status repositories_unknown;
    // A text for callers that tells how the addresses of `repositories` were derived; empty if the
    // configuration has them. It is added to the error if these addresses cannot be reached.
    std::string repositories_derivation;
    // Returns the port that loads and unloads models; named in the error of a refused call.
    std::function<int()> admin_port = [] { return 0; };
    // Calls its argument when the catalog has what compute answers from now on.
    std::function<void(std::function<void()>)> refresh_catalog = [](auto done) { done(); };
  };

  // The objects that the arguments point to must outlive the service. `repositories` loads and
  // unloads models; if it is null, the service refuses to.
  InferenceService(const Options& options, const CallParts& parts, const Catalog* catalog,
                   const TargetDirectory* targets, Upstream* upstream, Upstream* repositories);

  grpc::ServerUnaryReactor* ModelInfer(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ModelStreamInfer(
      grpc::CallbackServerContext* context) override;

  grpc::ServerUnaryReactor* ServerLive(grpc::CallbackServerContext* context,
                                       const inference::ServerLiveRequest* request,
                                       inference::ServerLiveResponse* response) override;
  grpc::ServerUnaryReactor* ServerReady(grpc::CallbackServerContext* context,
                                        const inference::ServerReadyRequest* request,
                                        inference::ServerReadyResponse* response) override;
  grpc::ServerUnaryReactor* ModelReady(grpc::CallbackServerContext* context,
                                       const inference::ModelReadyRequest* request,
                                       inference::ModelReadyResponse* response) override;
  grpc::ServerUnaryReactor* ServerMetadata(grpc::CallbackServerContext* context,
                                           const inference::ServerMetadataRequest* request,
                                           inference::ServerMetadataResponse* response) override;
  grpc::ServerUnaryReactor* ModelMetadata(grpc::CallbackServerContext* context,
                                          const inference::ModelMetadataRequest* request,
                                          inference::ModelMetadataResponse* response) override;
  grpc::ServerUnaryReactor* ModelConfig(grpc::CallbackServerContext* context,
                                        const inference::ModelConfigRequest* request,
                                        inference::ModelConfigResponse* response) override;
  grpc::ServerUnaryReactor* RepositoryIndex(grpc::CallbackServerContext* context,
                                            const inference::RepositoryIndexRequest* request,
                                            inference::RepositoryIndexResponse* response) override;

  // Passed on to compute.
  grpc::ServerUnaryReactor* ModelStatistics(grpc::CallbackServerContext* context,
                                            const inference::ModelStatisticsRequest* request,
                                            inference::ModelStatisticsResponse* response) override;
  grpc::ServerUnaryReactor* RepositoryModelLoad(
      grpc::CallbackServerContext* context, const inference::RepositoryModelLoadRequest* request,
      inference::RepositoryModelLoadResponse* response) override;
  grpc::ServerUnaryReactor* RepositoryModelUnload(
      grpc::CallbackServerContext* context, const inference::RepositoryModelUnloadRequest* request,
      inference::RepositoryModelUnloadResponse* response) override;

 private:
  // Answers a call at once with `response` and the status that `work` returns.
  template <typename Work>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, const char* method,
                                   const google::protobuf::MessageLite* response, const Work& work);

  // Passes a call on to `upstream`. `read` gets the responses of its servers, fills in `response`
  // and ends the call by the function that it gets besides. The upstream call is cancelled when the
  // caller goes.
  using EndFn = std::function<void()>;
  template <typename Read>
  grpc::ServerUnaryReactor* PassOn(grpc::CallbackServerContext* context, const char* method,
                                   Upstream* upstream, Upstream::Operation operation,
                                   const google::protobuf::MessageLite& request,
                                   const google::protobuf::MessageLite* response, const Read& read);
  // Passes a load or unload on. It ends when the catalog has its outcome.
  grpc::ServerUnaryReactor* PassOnChange(grpc::CallbackServerContext* context, const char* method,
                                         Upstream::Operation operation,
                                         const google::protobuf::MessageLite& request,
                                         const google::protobuf::MessageLite* response);

  const Options options_;
  const CallParts parts_;
  const Catalog* const catalog_;
  const TargetDirectory* const targets_;
  Upstream* const upstream_;
  Upstream* const repositories_;
  RpcMethodMetrics* const infer_metrics_;
  RpcMethodMetrics* const stream_metrics_;
};

}  // namespace souvenir::gateway
