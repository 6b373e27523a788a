#include "gateway/rpc/inference_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>

#include "common/grpc/unary_calls.h"
#include "common/souvenir_names.h"
#include "common/status_detail.h"
#include "common/status_macros.h"
#include "gateway/rpc/cache_statistics.h"
#include "gateway/rpc/infer_call.h"
#include "gateway/rpc/statistics_sum.h"
#include "gateway/rpc/stream_infer_call.h"
#include "gateway/upstream/call_group.h"

namespace souvenir::gateway {
namespace {

absl::Status RepositoryRefused(const InferenceService::Options& options) {
  if (!options.repositories_unknown.ok()) return options.repositories_unknown;
  return absl::PermissionDeniedError(fmt::format(
      "models are loaded and unloaded on the admin port only ({})", options.admin_port()));
}

// Returns `status`, with `derivation`, if there is one, added to the error of an upstream that
// cannot be reached.
absl::Status WithDerivation(absl::Status status, const std::string& derivation) {
  const std::string_view message(status.message().data(), status.message().size());
  if (derivation.empty() || !absl::IsUnavailable(status) ||
      message.find(kCannotBeReached) == std::string_view::npos) {
    return status;
  }
  return WithDetail(absl::UnavailableError(fmt::format("{}; {}", message, derivation)),
                    DetailOf(status));
}

// Returns a model that compute has described. UNAVAILABLE, with compute's reason, if compute lists
// the model but has not described it, for example because its configuration is wrong.
absl::StatusOr<CatalogModelPtr> FindDescribed(const Catalog& catalog, const std::string& name,
                                              const std::string& version) {
  SOUVENIR_RETURN_IF_ERROR(catalog.CheckKnown());
  SOUVENIR_ASSIGN_OR_RETURN(const CatalogModelPtr model, catalog.snapshot()->Find(name, version));
  if (model->known.has_metadata()) return model;
  const std::string& reason = model->known.reason();
  return absl::UnavailableError(
      fmt::format("model '{}' cannot be asked: {}", name,
                  reason.empty() ? "compute has not described it yet" : reason));
}

}  // namespace

InferenceService::InferenceService(const Options& options, const CallParts& parts,
                                   const Catalog* catalog, const TargetDirectory* targets,
                                   Upstream* upstream, Upstream* repositories)
    : options_(options),
      parts_(parts),
      catalog_(catalog),
      targets_(targets),
      upstream_(upstream),
      repositories_(repositories),
      infer_metrics_(parts.entry->Method("ModelInfer")),
      stream_metrics_(parts.entry->Method("ModelStreamInfer")) {}

template <typename Work>
grpc::ServerUnaryReactor* InferenceService::Answer(grpc::CallbackServerContext* context,
                                                   const char* method,
                                                   const google::protobuf::MessageLite* response,
                                                   const Work& work) {
  return AnswerNow(parts_.entry, parts_.entry->Method(method), context, response, work);
}

template <typename Read>
grpc::ServerUnaryReactor* InferenceService::PassOn(grpc::CallbackServerContext* context,
                                                   const char* method, Upstream* upstream,
                                                   Upstream::Operation operation,
                                                   const google::protobuf::MessageLite& request,
                                                   const google::protobuf::MessageLite* response,
                                                   const Read& read) {
  auto* const call =
      new DeferredCall(parts_.entry, parts_.entry->Method(method), context, response);
  const absl::Status admitted = call->admitted();
  if (!admitted.ok()) {
    call->Answer(admitted);
    return call;
  }
  // The answer may end this call before the upstream call is known.
  const auto calls = std::make_shared<CallGroup>();
  call->WhenAbandoned([calls] { calls->Cancel(); });
  calls->Add(upstream->PassOn(
      operation, request.SerializeAsString(), options_.call_timeout,
      [this, call, read](const absl::StatusOr<std::vector<std::string>>& responses) {
        const absl::Status status =
            WithDerivation(responses.status(), options_.repositories_derivation);
        read(responses.ok() ? *responses : std::vector<std::string>(),
             [call, status] { call->Answer(status); });
      }));
  return call;
}

grpc::ServerUnaryReactor* InferenceService::PassOnChange(
    grpc::CallbackServerContext* context, const char* method, Upstream::Operation operation,
    const google::protobuf::MessageLite& request, const google::protobuf::MessageLite* response) {
  if (repositories_ == nullptr) {
    return Answer(context, method, response, [this] { return RepositoryRefused(options_); });
  }
  return PassOn(context, method, repositories_, operation, request, response,
                [this](const std::vector<std::string>&, EndFn end) {
                  options_.refresh_catalog(std::move(end));
                });
}

grpc::ServerUnaryReactor* InferenceService::ModelInfer(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  const auto call =
      std::make_shared<InferCall>(parts_, infer_metrics_, context, *request, response);
  const absl::Status read = call->Read(*request, *catalog_, *targets_);
  return read.ok() ? UnaryCall::Run(call) : UnaryCall::Fail(call, read);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* InferenceService::ModelStreamInfer(
    grpc::CallbackServerContext* context) {
  return StreamInferCall::Start(
      {.calls = parts_, .catalog = catalog_, .targets = targets_, .metrics = stream_metrics_},
      context);
}

grpc::ServerUnaryReactor* InferenceService::ServerLive(grpc::CallbackServerContext* context,
                                                       const inference::ServerLiveRequest*,
                                                       inference::ServerLiveResponse* response) {
  return Answer(context, "ServerLive", response, [&] {
    response->set_live(true);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* InferenceService::ServerReady(grpc::CallbackServerContext* context,
                                                        const inference::ServerReadyRequest*,
                                                        inference::ServerReadyResponse* response) {
  return Answer(context, "ServerReady", response, [&] {
    // The gateway is of no use before compute has answered, and while all models are broken.
    const auto models = catalog_->snapshot();
    const bool of_use = models->models().empty() ||
                        std::any_of(models->models().begin(), models->models().end(),
                                    [](const CatalogModelPtr& model) { return model->ready(); });
    response->set_ready(catalog_->known() && of_use);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* InferenceService::ModelReady(grpc::CallbackServerContext* context,
                                                       const inference::ModelReadyRequest* request,
                                                       inference::ModelReadyResponse* response) {
  return Answer(context, "ModelReady", response, [&] {
    // An unknown model is not ready. Asking for it is not an error.
    const auto model = catalog_->snapshot()->Find(request->name(), request->version());
    response->set_ready(model.ok() && (*model)->ready());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* InferenceService::ServerMetadata(
    grpc::CallbackServerContext* context, const inference::ServerMetadataRequest*,
    inference::ServerMetadataResponse* response) {
  return Answer(context, "ServerMetadata", response, [&] {
    response->set_name("souvenir-gateway");
    response->set_version(options_.version);
    for (const char* extension : {"model_repository", "model_configuration", "statistics"}) {
      response->add_extensions(extension);
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* InferenceService::ModelMetadata(
    grpc::CallbackServerContext* context, const inference::ModelMetadataRequest* request,
    inference::ModelMetadataResponse* response) {
  return Answer(context, "ModelMetadata", response, [&]() -> absl::Status {
    SOUVENIR_ASSIGN_OR_RETURN(const CatalogModelPtr model,
                              FindDescribed(*catalog_, request->name(), request->version()));
    *response = model->known.metadata();
    (*response->mutable_properties())[kDigestName] = model->digest;
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* InferenceService::ModelConfig(
    grpc::CallbackServerContext* context, const inference::ModelConfigRequest* request,
    inference::ModelConfigResponse* response) {
  return Answer(context, "ModelConfig", response, [&]() -> absl::Status {
    SOUVENIR_ASSIGN_OR_RETURN(const CatalogModelPtr model,
                              FindDescribed(*catalog_, request->name(), request->version()));
    *response->mutable_config() = model->known.config();
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* InferenceService::RepositoryIndex(
    grpc::CallbackServerContext* context, const inference::RepositoryIndexRequest* request,
    inference::RepositoryIndexResponse* response) {
  return Answer(context, "RepositoryIndex", response, [&] {
    for (const CatalogModelPtr& model : catalog_->snapshot()->models()) {
      if (request->ready() && !model->ready()) continue;
      auto* const listed = response->add_models();
      listed->set_name(model->name());
      listed->set_version(model->version());
      listed->set_state(model->known.state());
      listed->set_reason(model->known.reason());
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* InferenceService::ModelStatistics(
    grpc::CallbackServerContext* context, const inference::ModelStatisticsRequest* request,
    inference::ModelStatisticsResponse* response) {
  return PassOn(context, "ModelStatistics", upstream_, Upstream::Operation::kStatistics, *request,
                response,
                [this, response](const std::vector<std::string>& statistics, const EndFn& end) {
                  for (const std::string& bytes : statistics) {
                    inference::ModelStatisticsResponse of_one_server;
                    of_one_server.ParseFromString(bytes);
                    AddStatistics(of_one_server, response);
                  }
                  AddCacheStatistics(*catalog_, response);
                  end();
                });
}

grpc::ServerUnaryReactor* InferenceService::RepositoryModelLoad(
    grpc::CallbackServerContext* context, const inference::RepositoryModelLoadRequest* request,
    inference::RepositoryModelLoadResponse* response) {
  return PassOnChange(context, "RepositoryModelLoad", Upstream::Operation::kLoad, *request,
                      response);
}

grpc::ServerUnaryReactor* InferenceService::RepositoryModelUnload(
    grpc::CallbackServerContext* context, const inference::RepositoryModelUnloadRequest* request,
    inference::RepositoryModelUnloadResponse* response) {
  return PassOnChange(context, "RepositoryModelUnload", Upstream::Operation::kUnload, *request,
                      response);
}

}  // namespace souvenir::gateway
