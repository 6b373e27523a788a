#include "compute-service/rpc/inference_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "common/grpc/unary_calls.h"
#include "common/souvenir_names.h"
#include "common/status_macros.h"
#include "compute-service/rpc/infer_call.h"
#include "compute-service/rpc/model_messages.h"
#include "compute-service/rpc/stream_infer_call.h"

namespace souvenir::compute {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;

// Returns a model; BrokenError() if its configuration is invalid.
absl::StatusOr<std::shared_ptr<ServedModel>> FindDescribed(const CallContext& calls,
                                                           const std::string& name,
                                                           const std::string& version) {
  SOUVENIR_ASSIGN_OR_RETURN(std::shared_ptr<ServedModel> model,
                            calls.repository->Find(name, version));
  if (model->digest().empty()) return BrokenError(*model);
  return model;
}

absl::Status CheckRepositoryName(const std::string& name) {
  if (name.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("there is one repository, without a name; repository_name '{}' came", name));
}

// Checks a load or unload.
template <typename Request>
absl::Status CheckChange(const CallContext& calls, Port port, const Request& request,
                         std::string_view known_parameter) {
  if (port != Port::kAdmin) {
    return absl::PermissionDeniedError(fmt::format(
        "models are loaded and unloaded on the admin port only ({})", calls.admin_port()));
  }
  SOUVENIR_RETURN_IF_ERROR(CheckRepositoryName(request.repository_name()));
  for (const auto& [name, value] : request.parameters()) {
    if (name == known_parameter) continue;
    return absl::InvalidArgumentError(fmt::format(
        "the parameter '{}' is not supported; a model is loaded as its files say", name));
  }
  return absl::OkStatus();
}

}  // namespace

template <typename Work>
ServerUnaryReactor* InferenceService::Answer(CallbackServerContext* context, const char* method,
                                             const google::protobuf::MessageLite* response,
                                             const Work& work) {
  return AnswerNow(calls_.entry, calls_.entry->Method(method), context, response, work);
}

template <typename Request, typename Change>
ServerUnaryReactor* InferenceService::AnswerChange(CallbackServerContext* context,
                                                   const char* method, const Request& request,
                                                   const google::protobuf::MessageLite* response,
                                                   std::string_view known_parameter,
                                                   const Change& change) {
  auto* const call =
      new DeferredCall(calls_.entry, calls_.entry->Method(method), context, response);
  absl::Status status = CheckChange(calls_, port_, request, known_parameter);
  if (status.ok()) status = call->admitted();
  if (status.ok()) {
    // The change goes on even if the caller goes.
    change(request.model_name(), [call](const absl::Status& done) { call->Answer(done); });
  } else {
    call->Answer(status);
  }
  return call;
}

ServerUnaryReactor* InferenceService::ServerLive(CallbackServerContext* context,
                                                 const inference::ServerLiveRequest*,
                                                 inference::ServerLiveResponse* response) {
  return Answer(context, "ServerLive", response, [&] {
    response->set_live(true);
    return absl::OkStatus();
  });
}

ServerUnaryReactor* InferenceService::ServerReady(CallbackServerContext* context,
                                                  const inference::ServerReadyRequest*,
                                                  inference::ServerReadyResponse* response) {
  return Answer(context, "ServerReady", response, [&] {
    // A server with a broken model is ready. A server whose models are all broken is not.
    const auto models = calls_.repository->All();
    const bool of_use =
        models.empty() || std::any_of(models.begin(), models.end(),
                                      [](const auto& model) { return model->can_be_asked(); });
    response->set_ready(of_use && !calls_.entry->is_closed());
    return absl::OkStatus();
  });
}

ServerUnaryReactor* InferenceService::ModelReady(CallbackServerContext* context,
                                                 const inference::ModelReadyRequest* request,
                                                 inference::ModelReadyResponse* response) {
  return Answer(context, "ModelReady", response, [&] {
    // An unknown model is not ready. Asking for it is not an error.
    const auto model = calls_.repository->Find(request->name(), request->version());
    response->set_ready(model.ok() && (*model)->can_be_asked());
    return absl::OkStatus();
  });
}

ServerUnaryReactor* InferenceService::ServerMetadata(CallbackServerContext* context,
                                                     const inference::ServerMetadataRequest*,
                                                     inference::ServerMetadataResponse* response) {
  return Answer(context, "ServerMetadata", response, [&] {
    response->set_name("souvenir-compute");
    response->set_version(calls_.server_version);
    // The names are Triton's. "(unload_dependents)" means that this parameter is accepted.
    for (const char* extension : {"model_configuration", "model_repository",
                                  "model_repository(unload_dependents)", "statistics"}) {
      response->add_extensions(extension);
    }
    return absl::OkStatus();
  });
}

ServerUnaryReactor* InferenceService::ModelMetadata(CallbackServerContext* context,
                                                    const inference::ModelMetadataRequest* request,
                                                    inference::ModelMetadataResponse* response) {
  return Answer(context, "ModelMetadata", response, [&]() -> absl::Status {
    SOUVENIR_ASSIGN_OR_RETURN(const std::shared_ptr<ServedModel> model,
                              FindDescribed(calls_, request->name(), request->version()));
    FillMetadata(*model, calls_.repository->Versions(model->name()), response);
    return absl::OkStatus();
  });
}

ServerUnaryReactor* InferenceService::ModelConfig(CallbackServerContext* context,
                                                  const inference::ModelConfigRequest* request,
                                                  inference::ModelConfigResponse* response) {
  return Answer(context, "ModelConfig", response, [&]() -> absl::Status {
    SOUVENIR_ASSIGN_OR_RETURN(const std::shared_ptr<ServedModel> model,
                              FindDescribed(calls_, request->name(), request->version()));
    *response->mutable_config() = model->config();
    return absl::OkStatus();
  });
}

ServerUnaryReactor* InferenceService::ModelStatistics(
    CallbackServerContext* context, const inference::ModelStatisticsRequest* request,
    inference::ModelStatisticsResponse* response) {
  return Answer(context, "ModelStatistics", response, [&]() -> absl::Status {
    if (request->name().empty()) {
      for (const auto& model : calls_.repository->All()) {
        FillStatistics(*model, response->add_model_stats());
      }
      return absl::OkStatus();
    }
    SOUVENIR_ASSIGN_OR_RETURN(const std::shared_ptr<ServedModel> model,
                              calls_.repository->Find(request->name(), request->version()));
    FillStatistics(*model, response->add_model_stats());
    return absl::OkStatus();
  });
}

ServerUnaryReactor* InferenceService::RepositoryIndex(
    CallbackServerContext* context, const inference::RepositoryIndexRequest* request,
    inference::RepositoryIndexResponse* response) {
  return Answer(context, "RepositoryIndex", response, [&]() -> absl::Status {
    SOUVENIR_RETURN_IF_ERROR(CheckRepositoryName(request->repository_name()));
    const std::string revision = calls_.repository->revision();
    context->AddInitialMetadata(kRevisionHeader, revision);
    const auto known = context->client_metadata().find(kKnownRevisionHeader);
    if (known != context->client_metadata().end() && known->second == revision) {
      return absl::OkStatus();
    }
    for (const auto& model : calls_.repository->All()) {
      if (request->ready() && !model->can_be_asked()) continue;
      FillIndex(*model, response->add_models());
    }
    return absl::OkStatus();
  });
}

ServerUnaryReactor* InferenceService::ModelInfer(CallbackServerContext* context,
                                                 const inference::ModelInferRequest* request,
                                                 inference::ModelInferResponse* response) {
  auto* const call = new InferCall(calls_, context, *request, response);
  call->Start();
  return call;
}

grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>*
InferenceService::ModelStreamInfer(CallbackServerContext* context) {
  return StreamInferCall::Start(calls_, context);
}

ServerUnaryReactor* InferenceService::RepositoryModelLoad(
    CallbackServerContext* context, const inference::RepositoryModelLoadRequest* request,
    inference::RepositoryModelLoadResponse* response) {
  return AnswerChange(context, "RepositoryModelLoad", *request, response, /*known_parameter=*/"",
                      [this](const std::string& model, auto done) {
                        calls_.repository->Load(model, std::move(done));
                      });
}

ServerUnaryReactor* InferenceService::RepositoryModelUnload(
    CallbackServerContext* context, const inference::RepositoryModelUnloadRequest* request,
    inference::RepositoryModelUnloadResponse* response) {
  // Clients always send this parameter; no model depends on another here.
  return AnswerChange(context, "RepositoryModelUnload", *request, response,
                      /*known_parameter=*/"unload_dependents",
                      [this](const std::string& model, auto done) {
                        calls_.repository->Unload(model, std::move(done));
                      });
}

}  // namespace souvenir::compute
