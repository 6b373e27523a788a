#pragma once

#include <string_view>

#include "compute-service/rpc/call_context.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::compute {

// The port that a service object answers on. Only one of them may load and unload models.
enum class Port {
  kPublic,  // loading and unloading is PERMISSION_DENIED
  kAdmin,
};

// The Open Inference Protocol, version 2, for one port. Handlers never block: they answer at once,
// or queue and return. Errors are those that grpc_service.proto names. Owned by the service;
// outlives its server. Thread-safe.
class InferenceService final : public inference::GRPCInferenceService::CallbackService {
 public:
  // `calls` must outlive the service.
  InferenceService(const CallContext* calls, Port port) : calls_(*calls), port_(port) {}

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
  grpc::ServerUnaryReactor* ModelStatistics(grpc::CallbackServerContext* context,
                                            const inference::ModelStatisticsRequest* request,
                                            inference::ModelStatisticsResponse* response) override;
  grpc::ServerUnaryReactor* ModelInfer(grpc::CallbackServerContext* context,
                                       const inference::ModelInferRequest* request,
                                       inference::ModelInferResponse* response) override;
  grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>*
  ModelStreamInfer(grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* RepositoryIndex(grpc::CallbackServerContext* context,
                                            const inference::RepositoryIndexRequest* request,
                                            inference::RepositoryIndexResponse* response) override;
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
  // Answers a load or unload when `change` of the repository is done. `known_parameter` is the one
  // parameter that a client may send; it changes nothing here.
  template <typename Request, typename Change>
  grpc::ServerUnaryReactor* AnswerChange(grpc::CallbackServerContext* context, const char* method,
                                         const Request& request,
                                         const google::protobuf::MessageLite* response,
                                         std::string_view known_parameter, const Change& change);

  const CallContext& calls_;
  const Port port_;
};

}  // namespace souvenir::compute
