#include "gateway/upstream/grpc_upstream.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <utility>

#include "common/grpc/status.h"
#include "common/status_macros.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::gateway {
namespace {

using inference::GRPCInferenceService;
using souvenir::state::v1::KnownModel;
using souvenir::state::v1::KnownModels;

std::shared_ptr<grpc::Channel> Connect(const GrpcUpstream::Options& options,
                                       const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  arguments.SetMaxSendMessageSize(static_cast<int>(options.max_message_bytes));
  // A server that was restarted is found again within a second; gRPC's default grows to two
  // minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // A connection that died without a word is noticed while calls wait on it.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

std::chrono::system_clock::time_point Deadline(absl::Duration timeout) {
  return absl::ToChronoTime(absl::Now() + timeout);
}

// gRPC's words for a server that is not there name no server.
absl::Status Explain(const grpc::Status& status, const std::string& address) {
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return FromGrpcStatus(status);
  return absl::UnavailableError(fmt::format("compute at {}: {}", address, status.error_message()));
}

}  // namespace

struct GrpcUpstream::Stubs {
  std::unique_ptr<GRPCInferenceService::Stub> inference;
  std::unique_ptr<GRPCInferenceService::Stub> admin;
};

GrpcUpstream::GrpcUpstream(const Options& options)
    : options_(options),
      stubs_(std::make_unique<Stubs>(
          Stubs{GRPCInferenceService::NewStub(Connect(options, options.address)),
                GRPCInferenceService::NewStub(Connect(options, options.admin_address))})) {}

GrpcUpstream::~GrpcUpstream() {
  calls_.Close();
  calls_.WaitUntilEmpty(absl::InfiniteDuration());
}

template <typename Stub, typename Request, typename Response, typename Method>
std::shared_ptr<Upstream::Call> GrpcUpstream::Start(Stub& stub, Method method,
                                                    std::unique_ptr<Request> request,
                                                    absl::Duration timeout, Done<Response> done) {
  struct State final : Call {
    void Cancel() override {
      cancelled = true;
      context.TryCancel();
    }
    std::atomic<bool> cancelled{false};
    grpc::ClientContext context;
    std::unique_ptr<Request> request;
    std::unique_ptr<Response> response = std::make_unique<Response>();
    Done<Response> done;
    std::optional<Gate::Pass> pass;
  };
  auto state = std::make_shared<State>();
  state->request = std::move(request);
  state->done = std::move(done);
  state->pass = calls_.Enter();
  if (!state->pass) {
    std::move(state->done)(absl::UnavailableError("the gateway is stopping"));
    return state;
  }
  state->context.set_deadline(Deadline(timeout));
  // The state keeps itself until the call has ended.
  (stub.async()->*method)(&state->context, state->request.get(), state->response.get(),
                          [state, this](const grpc::Status& status) {
                            const std::optional<Gate::Pass> pass = std::move(state->pass);
                            Done<Response> done = std::move(state->done);
                            if (status.ok()) {
                              std::move(done)(std::move(state->response));
                            } else {
                              std::move(done)(Explain(status, options_.address));
                            }
                          });
  return state;
}

// The member functions of gRPC's stubs come in two forms; this one names the form with a callback.
#define SOUVENIR_ASYNC_METHOD(name)                                                      \
  static_cast<void (GRPCInferenceService::Stub::async::*)(                               \
      grpc::ClientContext*, const inference::name##Request*, inference::name##Response*, \
      std::function<void(grpc::Status)>)>(&GRPCInferenceService::Stub::async::name)

std::shared_ptr<Upstream::Call> GrpcUpstream::Infer(
    std::unique_ptr<inference::ModelInferRequest> request, absl::Duration timeout,
    Done<inference::ModelInferResponse> done) {
  return Start(*stubs_->inference, SOUVENIR_ASYNC_METHOD(ModelInfer), std::move(request), timeout,
               std::move(done));
}

void GrpcUpstream::Statistics(std::unique_ptr<inference::ModelStatisticsRequest> request,
                              absl::Duration timeout,
                              Done<inference::ModelStatisticsResponse> done) {
  Start(*stubs_->inference, SOUVENIR_ASYNC_METHOD(ModelStatistics), std::move(request), timeout,
        std::move(done));
}

void GrpcUpstream::Load(std::unique_ptr<inference::RepositoryModelLoadRequest> request,
                        absl::Duration timeout, Done<inference::RepositoryModelLoadResponse> done) {
  Start(*stubs_->admin, SOUVENIR_ASYNC_METHOD(RepositoryModelLoad), std::move(request), timeout,
        std::move(done));
}

void GrpcUpstream::Unload(std::unique_ptr<inference::RepositoryModelUnloadRequest> request,
                          absl::Duration timeout,
                          Done<inference::RepositoryModelUnloadResponse> done) {
  Start(*stubs_->admin, SOUVENIR_ASYNC_METHOD(RepositoryModelUnload), std::move(request), timeout,
        std::move(done));
}

#undef SOUVENIR_ASYNC_METHOD

absl::StatusOr<KnownModels> GrpcUpstream::Describe(const std::vector<std::string>& names,
                                                   absl::Duration timeout) {
  const auto deadline = Deadline(timeout);
  KnownModels models;
  {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    inference::RepositoryIndexResponse index;
    const grpc::Status status =
        stubs_->inference->RepositoryIndex(&context, inference::RepositoryIndexRequest(), &index);
    // A server without the extension is asked about the names we were given.
    if (!status.ok() && status.error_code() != grpc::StatusCode::UNIMPLEMENTED) {
      return Explain(status, options_.address);
    }
    for (const auto& entry : index.models()) {
      KnownModel* const model = models.add_models();
      model->set_name(entry.name());
      model->set_version(entry.version());
      model->set_state(entry.state());
      model->set_reason(entry.reason());
    }
    if (!status.ok()) {
      for (const std::string& name : names) {
        KnownModel* const model = models.add_models();
        model->set_name(name);
        model->set_state("READY");
      }
    }
  }
  for (KnownModel& model : *models.mutable_models()) {
    SOUVENIR_RETURN_IF_ERROR(DescribeModel(deadline, &model));
  }
  return models;
}

// Fills in what the server tells of one model; one that it cannot describe keeps its state, or is
// UNAVAILABLE if it was said to be ready.
absl::Status GrpcUpstream::DescribeModel(std::chrono::system_clock::time_point deadline,
                                         KnownModel* model) {
  grpc::ClientContext context;
  context.set_deadline(deadline);
  inference::ModelMetadataRequest request;
  request.set_name(model->name());
  request.set_version(model->version());
  const grpc::Status described =
      stubs_->inference->ModelMetadata(&context, request, model->mutable_metadata());
  if (!described.ok()) {
    model->clear_metadata();
    if (described.error_code() == grpc::StatusCode::UNAVAILABLE ||
        described.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
      if (model->state() == "READY") return Explain(described, options_.address);
    }
    if (model->state() == "READY") {
      model->set_state("UNAVAILABLE");
      model->set_reason(described.error_message());
    }
    return absl::OkStatus();
  }
  if (model->version().empty() && model->metadata().versions_size() > 0) {
    model->set_version(*model->metadata().versions().rbegin());
  }
  grpc::ClientContext config_context;
  config_context.set_deadline(deadline);
  inference::ModelConfigRequest config_request;
  config_request.set_name(model->name());
  config_request.set_version(model->version());
  inference::ModelConfigResponse config;
  // Optional in the protocol: a server without it is configured at the gateway.
  if (stubs_->inference->ModelConfig(&config_context, config_request, &config).ok()) {
    model->mutable_config()->Swap(config.mutable_config());
  }
  return absl::OkStatus();
}

}  // namespace souvenir::gateway
