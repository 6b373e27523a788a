#include "gateway/upstream/grpc_upstream.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <optional>
#include <utility>

#include "common/grpc/status.h"
#include "common/mutex.h"
#include "common/status_macros.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::gateway {
namespace {

using inference::GRPCInferenceService;
using souvenir::state::v1::KnownModel;
using souvenir::state::v1::KnownModels;

// A bit for each algorithm; the first is "none".
constexpr int kOnlyUncompressed = 1 << GRPC_COMPRESS_NONE;

std::shared_ptr<grpc::Channel> Connect(const GrpcUpstream::Options& options) {
  grpc::ChannelArguments arguments;
  if (!options.authority.empty()) {
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, options.authority);
  }
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  arguments.SetMaxSendMessageSize(static_cast<int>(options.max_message_bytes));
  // A server that was restarted is found again within a second; gRPC's default grows to two
  // minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // A connection that died without a word is noticed while calls wait on it.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(options.keepalive)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  // gRPC inflates an answer whole before it looks at its size: none may come compressed.
  arguments.SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, kOnlyUncompressed);
  return grpc::CreateCustomChannel(options.address, grpc::InsecureChannelCredentials(), arguments);
}

std::chrono::system_clock::time_point Deadline(absl::Duration timeout) {
  return absl::ToChronoTime(absl::Now() + timeout);
}

bool IsAway(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
}

// Of a call that nobody here cancelled: a server that stops does so to what it has under way.
grpc::Status AwayIfCancelled(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::CANCELLED) return status;
  return {grpc::StatusCode::UNAVAILABLE,
          fmt::format("gave the call up: {}", status.error_message())};
}

// gRPC's words for a server that is not there name no server.
absl::Status Explain(const grpc::Status& status, const std::string& address) {
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) return FromGrpcStatus(status);
  return absl::UnavailableError(fmt::format("compute at {}: {}", address, status.error_message()));
}

}  // namespace

struct GrpcUpstream::Stub {
  std::unique_ptr<GRPCInferenceService::Stub> rpc;
};

GrpcUpstream::GrpcUpstream(const Options& options)
    : options_(options),
      stub_(std::make_unique<Stub>(Stub{GRPCInferenceService::NewStub(Connect(options))})) {}

GrpcUpstream::~GrpcUpstream() {
  calls_.Close();
  calls_.WaitUntilEmpty(absl::InfiniteDuration());
}

template <typename Request, typename Response, typename Method>
std::shared_ptr<Upstream::Call> GrpcUpstream::Start(Method method,
                                                    std::shared_ptr<const Request> request,
                                                    absl::Duration timeout, Done<Response> done,
                                                    const TraceContext& trace) {
  // What holds on to the channel. The gate is left after the context has gone.
  struct Live {
    explicit Live(Gate::Pass pass) : pass(std::move(pass)) {}
    const Gate::Pass pass;
    grpc::ClientContext context;
  };
  struct State final : Call {
    void Cancel() override {
      cancelled = true;
      std::shared_ptr<Live> called;
      {
        MutexLock lock(&mutex);
        called = live;
      }
      if (called != nullptr) called->context.TryCancel();
    }
    std::atomic<bool> cancelled{false};
    std::shared_ptr<const Request> request;
    std::unique_ptr<Response> response = std::make_unique<Response>();
    Done<Response> done;
    Mutex mutex;
    std::shared_ptr<Live> live ABSL_GUARDED_BY(mutex);  // null once it has ended
  };
  auto state = std::make_shared<State>();
  std::optional<Gate::Pass> pass = calls_.Enter();
  if (!pass) {
    std::move(done)(absl::UnavailableError("the gateway is stopping"));
    return state;
  }
  state->request = std::move(request);
  state->done = std::move(done);
  const auto live = std::make_shared<Live>(*std::move(pass));
  live->context.set_deadline(Deadline(timeout));
  for (const auto& [name, value] : trace.Headers()) live->context.AddMetadata(name, value);
  {
    MutexLock lock(&state->mutex);
    state->live = live;
  }
  // The state keeps itself until the call has ended.
  (stub_->rpc->async()->*method)(
      &live->context, state->request.get(), state->response.get(),
      [state, this](const grpc::Status& status) {
        std::shared_ptr<Live> ended;  // goes last, after `done` and all that it holds
        {
          MutexLock lock(&state->mutex);
          ended = std::move(state->live);
        }
        Done<Response> done = std::move(state->done);
        state->request.reset();
        if (status.ok()) {
          std::move(done)(std::move(state->response));
        } else {
          std::move(done)(
              Explain(state->cancelled ? status : AwayIfCancelled(status), options_.address));
        }
      });
  return state;
}

// The member functions of gRPC's stubs come in two forms; this one names the form with a callback.
#define SOUVENIR_ASYNC_METHOD(name)                                                      \
  static_cast<void (GRPCInferenceService::Stub::async::*)(                               \
      grpc::ClientContext*, const inference::name##Request*, inference::name##Response*, \
      std::function<void(grpc::Status)>)>(&GRPCInferenceService::Stub::async::name)

std::shared_ptr<Upstream::Call> GrpcUpstream::Infer(const Inference& inference,
                                                    Done<inference::ModelInferResponse> done) {
  return Start(SOUVENIR_ASYNC_METHOD(ModelInfer), inference.request, inference.timeout,
               std::move(done), inference.trace);
}

void GrpcUpstream::Statistics(std::unique_ptr<inference::ModelStatisticsRequest> request,
                              absl::Duration timeout,
                              Done<inference::ModelStatisticsResponse> done) {
  Start<inference::ModelStatisticsRequest>(SOUVENIR_ASYNC_METHOD(ModelStatistics),
                                           std::move(request), timeout, std::move(done));
}

void GrpcUpstream::Load(std::unique_ptr<inference::RepositoryModelLoadRequest> request,
                        absl::Duration timeout, Done<inference::RepositoryModelLoadResponse> done) {
  Start<inference::RepositoryModelLoadRequest>(SOUVENIR_ASYNC_METHOD(RepositoryModelLoad),
                                               std::move(request), timeout, std::move(done));
}

void GrpcUpstream::Unload(std::unique_ptr<inference::RepositoryModelUnloadRequest> request,
                          absl::Duration timeout,
                          Done<inference::RepositoryModelUnloadResponse> done) {
  Start<inference::RepositoryModelUnloadRequest>(SOUVENIR_ASYNC_METHOD(RepositoryModelUnload),
                                                 std::move(request), timeout, std::move(done));
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
    const grpc::Status status = AwayIfCancelled(
        stub_->rpc->RepositoryIndex(&context, inference::RepositoryIndexRequest(), &index));
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
      AwayIfCancelled(stub_->rpc->ModelMetadata(&context, request, model->mutable_metadata()));
  if (!described.ok()) {
    model->clear_metadata();
    if (IsAway(described) && model->state() == "READY") {
      return Explain(described, options_.address);
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
  const grpc::Status configured =
      AwayIfCancelled(stub_->rpc->ModelConfig(&config_context, config_request, &config));
  if (configured.ok()) model->mutable_config()->Swap(config.mutable_config());
  // Optional in the protocol: a server without it is configured at the gateway. One that has gone
  // meanwhile is no such server.
  return IsAway(configured) ? Explain(configured, options_.address) : absl::OkStatus();
}

}  // namespace souvenir::gateway
