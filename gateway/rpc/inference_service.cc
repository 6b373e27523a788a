#include "gateway/rpc/inference_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "common/grpc/caller.h"
#include "common/grpc/status.h"
#include "common/souvenir_names.h"
#include "common/status_detail.h"
#include "common/status_macros.h"
#include "gateway/rpc/cache_statistics.h"
#include "gateway/rpc/infer_call.h"
#include "gateway/rpc/stream_infer_call.h"
#include "gateway/upstream/call_group.h"

namespace souvenir::gateway {
namespace {

absl::Status RepositoryRefused(const InferenceService::Options& options) {
  if (!options.repositories_unknown.ok()) return options.repositories_unknown;
  return absl::PermissionDeniedError(fmt::format(
      "models are loaded and unloaded on the admin port only ({})", options.admin_port()));
}

// Returns a callback that adds `derivation`, if there is one, to the error of an upstream that
// cannot be reached, and passes on everything else as it is.
template <typename Done>
auto WithDerivation(const std::string& derivation, Done done) {
  return [&derivation, done = std::move(done)](auto answer) mutable {
    const absl::Status status = answer.status();
    const std::string_view message(status.message().data(), status.message().size());
    if (!derivation.empty() && absl::IsUnavailable(status) &&
        message.find(kCannotBeReached) != std::string_view::npos) {
      answer = WithDetail(absl::UnavailableError(fmt::format("{}; {}", message, derivation)),
                          DetailOf(status));
    }
    done(std::move(answer));
  };
}

// The reactor of a call that is passed on, and given up when the caller goes. Belongs to gRPC from
// when the handler returns it; OnDone() is the last it hears.
class PassedOnReactor final : public grpc::ServerUnaryReactor {
 public:
  // REQUIRES: the handler has not returned.
  void Follow(std::shared_ptr<Upstream::Call> call) { calls_.Add(std::move(call)); }

  void OnCancel() override { calls_.Cancel(); }
  void OnDone() override { delete this; }

 private:
  CallGroup calls_;
};

// Returns a model that compute has described. UNAVAILABLE, with compute's reason, for one that it
// lists and cannot describe, as one whose configuration is wrong.
absl::StatusOr<CatalogModelPtr> FindDescribed(const CatalogSnapshot& models,
                                              const std::string& name, const std::string& version) {
  SOUVENIR_ASSIGN_OR_RETURN(const CatalogModelPtr model, models.Find(name, version));
  if (model->known.has_metadata()) return model;
  const std::string& reason = model->known.reason();
  return absl::UnavailableError(
      fmt::format("model '{}' cannot be asked: {}", name,
                  reason.empty() ? "compute has not described it yet" : reason));
}

}  // namespace

InferenceService::InferenceService(const Options& options, const CallParts& parts,
                                   const Catalog* catalog, const TargetDirectory* targets,
                                   Upstream* upstream, Upstream* repositories, RpcMetrics* metrics)
    : options_(options),
      parts_(parts),
      catalog_(catalog),
      targets_(targets),
      upstream_(upstream),
      repositories_(repositories),
      metrics_(metrics),
      infer_metrics_(metrics->Method("ModelInfer")),
      stream_metrics_(metrics->Method("ModelStreamInfer")) {}

RpcTimer InferenceService::Time(const char* method) const {
  return RpcTimer(metrics_->Method(method), parts_.clock);
}

grpc::ServerUnaryReactor* InferenceService::End(grpc::CallbackServerContext* context,
                                                const RpcTimer& timer, const absl::Status& status) {
  const grpc::Status ended = ToGrpcStatus(status);
  timer.End(ended);
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(ended);
  return reactor;
}

template <typename Request, typename Response, typename Send, typename Then>
grpc::ServerUnaryReactor* InferenceService::PassOn(grpc::CallbackServerContext* context,
                                                   const char* method, const Request& request,
                                                   Response* response, Send send, Then then) {
  const RpcTimer timer = Time(method);
  std::optional<Gate::Pass> entered = parts_.gate->Enter();
  if (!entered) return End(context, timer, absl::UnavailableError("the gateway is stopping"));
  auto* const reactor = new PassedOnReactor;
  auto pass = std::make_shared<std::optional<Gate::Pass>>(std::move(entered));
  reactor->Follow(send(
      std::make_unique<Request>(request), [this, context, reactor, response, timer, pass,
                                           then](absl::StatusOr<std::unique_ptr<Response>> answer) {
        const absl::Status status = answer.status();
        if (answer.ok()) response->Swap(answer->get());
        then(answer.ok() ? response : nullptr, [this, context, reactor, timer, pass, status] {
          EndPassedOn(*context, timer, status);
          pass->reset();
          reactor->Finish(ToGrpcStatus(status));
        });
      }));
  return reactor;
}

void InferenceService::EndPassedOn(const grpc::CallbackServerContext& context,
                                   const RpcTimer& timer, const absl::Status& status) const {
  const grpc::StatusCode code =
      CountedCode(context, timer.begun(), *parts_.clock, ToGrpcStatus(status));
  const absl::Duration took = timer.End(code);
  if (!parts_.log->Wants(code, took)) return;
  parts_.log->Write({.method = timer.method(),
                     .code = code,
                     .took = took,
                     .trace = TraceOf(context),
                     .detail = DetailOf(status)},
                    {});
}

grpc::ServerUnaryReactor* InferenceService::ModelInfer(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  const auto call = std::make_shared<InferCall>(parts_, infer_metrics_, context, response);
  const absl::Status read = call->Read(*request, *catalog_, *targets_);
  return read.ok() ? UnaryCall::Run(call) : UnaryCall::Fail(call, read);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* InferenceService::ModelStreamInfer(
    grpc::CallbackServerContext* context) {
  return StreamInferCall::Start({.calls = parts_,
                                 .catalog = catalog_,
                                 .targets = targets_,
                                 .metrics = stream_metrics_,
                                 .streams = &streams_},
                                *context);
}

grpc::ServerUnaryReactor* InferenceService::ServerLive(grpc::CallbackServerContext* context,
                                                       const inference::ServerLiveRequest*,
                                                       inference::ServerLiveResponse* response) {
  response->set_live(true);
  return End(context, Time("ServerLive"), absl::OkStatus());
}

grpc::ServerUnaryReactor* InferenceService::ServerReady(grpc::CallbackServerContext* context,
                                                        const inference::ServerReadyRequest*,
                                                        inference::ServerReadyResponse* response) {
  // Of no use where compute has never answered, and where all of its models are broken.
  const auto models = catalog_->snapshot();
  const bool of_use = models->models().empty() ||
                      std::any_of(models->models().begin(), models->models().end(),
                                  [](const CatalogModelPtr& model) { return model->ready(); });
  response->set_ready(catalog_->known() && of_use);
  return End(context, Time("ServerReady"), absl::OkStatus());
}

grpc::ServerUnaryReactor* InferenceService::ModelReady(grpc::CallbackServerContext* context,
                                                       const inference::ModelReadyRequest* request,
                                                       inference::ModelReadyResponse* response) {
  const RpcTimer timer = Time("ModelReady");
  const auto model = catalog_->snapshot()->Find(request->name(), request->version());
  // What is not there is not ready; to ask is no error.
  response->set_ready(model.ok() && (*model)->ready());
  return End(context, timer, absl::OkStatus());
}

grpc::ServerUnaryReactor* InferenceService::ServerMetadata(
    grpc::CallbackServerContext* context, const inference::ServerMetadataRequest*,
    inference::ServerMetadataResponse* response) {
  response->set_name("souvenir-gateway");
  response->set_version(options_.version);
  for (const char* extension : {"model_repository", "model_configuration", "statistics"}) {
    response->add_extensions(extension);
  }
  return End(context, Time("ServerMetadata"), absl::OkStatus());
}

grpc::ServerUnaryReactor* InferenceService::ModelMetadata(
    grpc::CallbackServerContext* context, const inference::ModelMetadataRequest* request,
    inference::ModelMetadataResponse* response) {
  const RpcTimer timer = Time("ModelMetadata");
  const absl::StatusOr<CatalogModelPtr> model =
      FindDescribed(*catalog_->snapshot(), request->name(), request->version());
  if (model.ok()) {
    *response = (*model)->known.metadata();
    (*response->mutable_properties())[kDigestName] = (*model)->digest;
  }
  return End(context, timer, model.status());
}

grpc::ServerUnaryReactor* InferenceService::ModelConfig(
    grpc::CallbackServerContext* context, const inference::ModelConfigRequest* request,
    inference::ModelConfigResponse* response) {
  const RpcTimer timer = Time("ModelConfig");
  const absl::StatusOr<CatalogModelPtr> model =
      FindDescribed(*catalog_->snapshot(), request->name(), request->version());
  if (model.ok()) *response->mutable_config() = (*model)->known.config();
  return End(context, timer, model.status());
}

grpc::ServerUnaryReactor* InferenceService::RepositoryIndex(
    grpc::CallbackServerContext* context, const inference::RepositoryIndexRequest* request,
    inference::RepositoryIndexResponse* response) {
  const RpcTimer timer = Time("RepositoryIndex");
  for (const CatalogModelPtr& model : catalog_->snapshot()->models()) {
    if (request->ready() && !model->ready()) continue;
    auto* const entry = response->add_models();
    entry->set_name(model->name());
    entry->set_version(model->version());
    entry->set_state(model->known.state());
    entry->set_reason(model->known.reason());
  }
  return End(context, timer, absl::OkStatus());
}

grpc::ServerUnaryReactor* InferenceService::ModelStatistics(
    grpc::CallbackServerContext* context, const inference::ModelStatisticsRequest* request,
    inference::ModelStatisticsResponse* response) {
  return PassOn(
      context, "ModelStatistics", *request, response,
      [&](auto copy, auto done) {
        return upstream_->Statistics(std::move(copy), options_.call_timeout, std::move(done));
      },
      [this](auto* statistics, const std::function<void()>& end) {
        if (statistics != nullptr) AddCacheStatistics(*catalog_, statistics);
        end();
      });
}

grpc::ServerUnaryReactor* InferenceService::RepositoryModelLoad(
    grpc::CallbackServerContext* context, const inference::RepositoryModelLoadRequest* request,
    inference::RepositoryModelLoadResponse* response) {
  if (repositories_ == nullptr) {
    return End(context, Time("RepositoryModelLoad"), RepositoryRefused(options_));
  }
  return PassOn(
      context, "RepositoryModelLoad", *request, response,
      [&](auto copy, auto done) {
        return repositories_->Load(
            std::move(copy), options_.call_timeout,
            WithDerivation(options_.repositories_derivation, std::move(done)));
      },
      AfterRefresh());
}

grpc::ServerUnaryReactor* InferenceService::RepositoryModelUnload(
    grpc::CallbackServerContext* context, const inference::RepositoryModelUnloadRequest* request,
    inference::RepositoryModelUnloadResponse* response) {
  if (repositories_ == nullptr) {
    return End(context, Time("RepositoryModelUnload"), RepositoryRefused(options_));
  }
  return PassOn(
      context, "RepositoryModelUnload", *request, response,
      [&](auto copy, auto done) {
        return repositories_->Unload(
            std::move(copy), options_.call_timeout,
            WithDerivation(options_.repositories_derivation, std::move(done)));
      },
      AfterRefresh());
}

}  // namespace souvenir::gateway
