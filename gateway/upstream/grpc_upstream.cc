#include "gateway/upstream/grpc_upstream.h"

#include <fmt/format.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/rpc_method.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "common/grpc/credentials.h"
#include "common/grpc/status.h"
#include "common/logging/logging.h"
#include "common/model_name.h"
#include "common/mutex.h"
#include "common/souvenir_names.h"
#include "common/status_detail.h"
#include "common/status_macros.h"
#include "gateway/upstream/infer_message.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::gateway {
namespace {

using google::protobuf::util::MessageDifferencer;
using inference::GRPCInferenceService;
using souvenir::state::v1::KnownModel;
using souvenir::state::v1::KnownModels;

// A set of algorithms, with a bit for each; it has only "none".
constexpr int kOnlyUncompressed = 1 << GRPC_COMPRESS_NONE;

constinit Logger log{"upstream"};

std::shared_ptr<grpc::Channel> Connect(const GrpcUpstream::Options& options) {
  grpc::ChannelArguments arguments;
  if (!options.authority.empty()) {
    arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, options.authority);
  }
  arguments.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes));
  arguments.SetMaxSendMessageSize(static_cast<int>(options.max_message_bytes));
  // A server that was restarted is found again within a second. gRPC's default grows to two
  // minutes.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  // Pings find connections that broke silently while calls wait on them.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(options.keepalive)));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  // Answers must not be compressed: gRPC inflates an answer as a whole before it checks its size.
  arguments.SetInt(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, kOnlyUncompressed);
  return grpc::CreateCustomChannel(options.address, UpstreamCredentials(), arguments);
}

std::chrono::system_clock::time_point Deadline(absl::Duration timeout) {
  return absl::ToChronoTime(absl::Now() + timeout);
}

bool IsAway(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::UNAVAILABLE ||
         status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED;
}

// For a call that this side did not cancel: a server that stops cancels its calls under way.
grpc::Status AwayIfCancelled(const grpc::Status& status) {
  if (status.error_code() != grpc::StatusCode::CANCELLED) return status;
  return {grpc::StatusCode::UNAVAILABLE,
          fmt::format("gave the call up: {}", status.error_message())};
}

// Most lines of the log for models that are left out.
constexpr size_t kMostTold = 10;

// Takes the models from a RepositoryIndexResponse, one by one, because a single invalid name, such
// as one that is not UTF-8, would make the whole message unreadable. Returns the reasons why models
// were left out.
std::vector<std::string> TakeIndex(const google::protobuf::Empty& response, KnownModels* models) {
  std::vector<std::string> refused;
  const auto& fields = response.GetReflection()->GetUnknownFields(response);
  for (int i = 0; i < fields.field_count(); ++i) {
    const google::protobuf::UnknownField& field = fields.field(i);
    if (field.number() != inference::RepositoryIndexResponse::kModelsFieldNumber ||
        field.type() != google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED) {
      continue;
    }
    inference::RepositoryIndexResponse::ModelIndex entry;
    if (!entry.ParseFromString(field.length_delimited())) {
      refused.emplace_back("its entry in the index cannot be read, or a text in it is not UTF-8");
      continue;
    }
    absl::Status named = CheckModelName(entry.name());
    if (named.ok() && !entry.version().empty()) named = CheckModelName(entry.version());
    if (!named.ok()) {
      refused.emplace_back(named.message());
      continue;
    }
    KnownModel* const model = models->add_models();
    model->set_name(entry.name());
    model->set_version(entry.version());
    model->set_state(entry.state());
    model->set_reason(WithoutPaths(entry.reason()));
  }
  return refused;
}

// Limit for a server that does not tell whether something has changed: the number of models that
// one poll asks for although their entries in the index are unchanged. With an interval of 2 s,
// 10,000 models take 80 s.
constexpr int kMostInTurn = 256;

bool IsSameEntry(const KnownModel& a, const KnownModel& b) {
  return a.state() == b.state() && a.reason() == b.reason();
}

// Returns true if a model that is ready by the index could not be described.
bool Lacks(const KnownModel& entry, const KnownModel& model) {
  return entry.state() == "READY" && !model.has_metadata();
}

// Returns true if the status came from the server, and not from gRPC on this side, whose messages
// contain addresses. Only gRPC's debug text tells them apart.
bool IsPeers(const grpc::ClientContext& context) {
  return context.debug_error_string().find("Error received from peer") != std::string::npos;
}

// Returns true if a message was too large, here or at the server. Only gRPC's message tells:
// "message larger than max" is of the C++ library, the other of Java's.
bool IsTooLarge(const grpc::Status& status) {
  return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
         (status.error_message().find("message larger than max") != std::string::npos ||
          status.error_message().find("message exceeds maximum size") != std::string::npos);
}

// Returns the error of a failed call as a caller may see it. Addresses are only in the detail.
absl::Status Explain(const grpc::Status& status, const grpc::ClientContext& context,
                     const std::string& address) {
  absl::Status plain = FromGrpcStatus(status);
  if (status.ok()) return plain;
  if (IsTooLarge(status)) plain = WithRowFault(std::move(plain), RowFault::kTooLargeAnswer);
  const bool is_peers = IsPeers(context);
  // A model's message may contain the caller's data, so the log does not get it.
  if (is_peers && !absl::IsUnavailable(plain)) return WithoutPaths(plain, Detail::kDrop);
  if (is_peers) {
    return WithDetail(
        WithRowFault(absl::UnavailableError("compute: " + WithoutPaths(status.error_message())),
                     RowFault::kLostAtServer),
        fmt::format("compute at {}", address));
  }
  const std::string detail = fmt::format("compute at {}: {}", address, status.error_message());
  if (absl::IsUnavailable(plain)) {
    return WithDetail(absl::UnavailableError(fmt::format("compute {}", kCannotBeReached)), detail);
  }
  return WithDetail(std::move(plain), detail);
}

}  // namespace

struct GrpcUpstream::Stub {
  explicit Stub(std::shared_ptr<grpc::ChannelInterface> connected)
      : channel(std::move(connected)), rpc(GRPCInferenceService::NewStub(channel)) {}

  // Blocks. The message type has no fields, so that TakeIndex() finds all as unknown fields.
  grpc::Status ReadIndex(grpc::ClientContext* context, google::protobuf::Empty* response) {
    return grpc::internal::BlockingUnaryCall<inference::RepositoryIndexRequest,
                                             google::protobuf::Empty, grpc::protobuf::MessageLite,
                                             grpc::protobuf::MessageLite>(
        channel.get(), index, context, inference::RepositoryIndexRequest(), response);
  }

  const std::shared_ptr<grpc::ChannelInterface> channel;
  const std::unique_ptr<GRPCInferenceService::Stub> rpc;
  const grpc::internal::RpcMethod index{"/inference.GRPCInferenceService/RepositoryIndex",
                                        grpc::internal::RpcMethod::NORMAL_RPC, channel};
};

void GrpcUpstream::TellRefused(const std::vector<std::string>& refused) {
  if (refused_.exchange(refused.size()) == refused.size()) return;
  for (size_t i = 0; i < std::min(refused.size(), kMostTold); ++i) {
    log.Warning("a model of compute is left out",
                {{"address", options_.address}, {"reason", refused[i]}});
  }
}

GrpcUpstream::GrpcUpstream(const Options& options)
    : options_(options), stub_(std::make_unique<Stub>(Connect(options))) {}

GrpcUpstream::~GrpcUpstream() {
  calls_.Close();
  calls_.WaitUntilEmpty();
}

template <typename Request, typename Response, typename Method>
std::shared_ptr<Upstream::Call> GrpcUpstream::Start(Method method,
                                                    std::shared_ptr<const Request> request,
                                                    absl::Duration timeout, Done<Response> done,
                                                    const TraceContext& trace) {
  // Keeps the channel in use. The gate is left after the context is destroyed.
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
    std::shared_ptr<Live> live ABSL_GUARDED_BY(mutex);  // null once the call has ended
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
  // The callback keeps the state alive until the call has ended.
  (stub_->rpc->async()->*method)(
      &live->context, state->request.get(), state->response.get(),
      [state, this](const grpc::Status& status) {
        std::shared_ptr<Live> ended;  // destroyed last, after `done` and all that it holds
        {
          MutexLock lock(&state->mutex);
          ended = std::move(state->live);
        }
        Done<Response> done = std::move(state->done);
        state->request.reset();
        if (status.ok()) {
          std::move(done)(std::move(state->response));
        } else {
          std::move(done)(Explain(state->cancelled ? status : AwayIfCancelled(status),
                                  ended->context, options_.address));
        }
      });
  return state;
}

// The member functions of gRPC's stubs come in two forms; this one names the form with a callback.
#define SOUVENIR_ASYNC_METHOD(name)                                                      \
  static_cast<void (GRPCInferenceService::Stub::async::*)(                               \
      grpc::ClientContext*, const inference::name##Request*, inference::name##Response*, \
      std::function<void(grpc::Status)>)>(&GRPCInferenceService::Stub::async::name)

std::shared_ptr<Upstream::Call> GrpcUpstream::Infer(std::shared_ptr<const Inference> inference,
                                                    absl::Duration timeout, InferenceDone done) {
  using Response = std::unique_ptr<inference::ModelInferResponse>;
  return Start<inference::ModelInferRequest, inference::ModelInferResponse>(
      SOUVENIR_ASYNC_METHOD(ModelInfer),
      std::make_shared<const inference::ModelInferRequest>(InferRequest(*inference)), timeout,
      [inference, done = std::move(done)](absl::StatusOr<Response> response) mutable {
        if (!response.ok()) return std::move(done)(response.status());
        std::move(done)(ReadInferResponse(*std::move(response), inference->model));
      },
      inference->trace);
}

std::shared_ptr<Upstream::Call> GrpcUpstream::Statistics(
    std::unique_ptr<inference::ModelStatisticsRequest> request, absl::Duration timeout,
    Done<inference::ModelStatisticsResponse> done) {
  return Start<inference::ModelStatisticsRequest>(SOUVENIR_ASYNC_METHOD(ModelStatistics),
                                                  std::move(request), timeout, std::move(done));
}

std::shared_ptr<Upstream::Call> GrpcUpstream::Load(
    std::unique_ptr<inference::RepositoryModelLoadRequest> request, absl::Duration timeout,
    Done<inference::RepositoryModelLoadResponse> done) {
  return Start<inference::RepositoryModelLoadRequest>(SOUVENIR_ASYNC_METHOD(RepositoryModelLoad),
                                                      std::move(request), timeout, std::move(done));
}

std::shared_ptr<Upstream::Call> GrpcUpstream::Unload(
    std::unique_ptr<inference::RepositoryModelUnloadRequest> request, absl::Duration timeout,
    Done<inference::RepositoryModelUnloadResponse> done) {
  return Start<inference::RepositoryModelUnloadRequest>(
      SOUVENIR_ASYNC_METHOD(RepositoryModelUnload), std::move(request), timeout, std::move(done));
}

#undef SOUVENIR_ASYNC_METHOD

absl::StatusOr<KnownModelsPtr> GrpcUpstream::Describe(const Look& look) {
  std::shared_ptr<const Described> known;
  {
    MutexLock lock(&mutex_);
    known = described_;
  }
  auto now = std::make_shared<Described>();
  SOUVENIR_ASSIGN_OR_RETURN(const bool same, ReadIndex(look, *known, now.get()));
  if (same) return known->models;
  SOUVENIR_RETURN_IF_ERROR(DescribeModels(look, *known, now.get()));
  MutexLock lock(&mutex_);
  described_ = now;
  return now->models;
}

absl::StatusOr<bool> GrpcUpstream::ReadIndex(const Look& look, const Described& known,
                                             Described* now) {
  grpc::ClientContext context;
  context.set_deadline(Deadline(look.timeout));
  if (!known.revision.empty()) context.AddMetadata(kKnownRevisionHeader, known.revision);
  google::protobuf::Empty index;
  const grpc::Status status = AwayIfCancelled(stub_->ReadIndex(&context, &index));
  // A server without the index extension is asked for the models that are configured.
  if (status.error_code() == grpc::StatusCode::UNIMPLEMENTED) {
    for (const std::string& name : look.names) {
      KnownModel* const model = now->index.add_models();
      model->set_name(name);
      model->set_state("READY");
    }
    return false;
  }
  if (!status.ok()) return Explain(status, context, options_.address);
  const auto& metadata = context.GetServerInitialMetadata();
  const auto told = metadata.find(kRevisionHeader);
  if (told != metadata.end()) now->revision.assign(told->second.data(), told->second.size());
  if (!now->revision.empty() && now->revision == known.revision) return true;
  TellRefused(TakeIndex(index, &now->index));
  return false;
}

absl::Status GrpcUpstream::DescribeModels(const Look& look, const Described& known,
                                          Described* now) {
  using NameAndVersion = std::pair<std::string_view, std::string_view>;
  std::map<NameAndVersion, int> before;
  for (int i = 0; i < known.index.models_size(); ++i) {
    const KnownModel& entry = known.index.models(i);
    before.emplace(NameAndVersion(entry.name(), entry.version()), i);
  }
  const int count = now->index.models_size();
  // If the server has revisions, something has changed, but it does not say what.
  const bool all = look.thorough || known.models == nullptr || !now->revision.empty();
  const auto first = count == 0 ? 0 : static_cast<int>(known.turn % static_cast<size_t>(count));
  now->turn = static_cast<size_t>(first) + kMostInTurn;

  auto models = std::make_shared<KnownModels>();
  bool changed = known.models == nullptr || count != known.index.models_size();
  for (int i = 0; i < count; ++i) {
    const KnownModel& entry = now->index.models(i);
    const auto found = before.find(NameAndVersion(entry.name(), entry.version()));
    const KnownModel* const old =
        found == before.end() ? nullptr : &known.models->models(found->second);
    changed |= old == nullptr || found->second != i;
    const bool in_turn = (i - first + count) % count < kMostInTurn;
    const bool asks = all || in_turn || old == nullptr || Lacks(entry, *old) ||
                      !IsSameEntry(entry, known.index.models(found->second));
    KnownModel* const model = models->add_models();
    if (!asks) {
      *model = *old;
      continue;
    }
    if (look.cancellation != nullptr && look.cancellation->cancelled()) {
      return absl::CancelledError("the poll was cancelled");
    }
    *model = entry;
    SOUVENIR_RETURN_IF_ERROR(DescribeModel(look.timeout, model));
    // A model that could not be described is asked for again, so the revision must not match.
    if (Lacks(entry, *model)) now->revision.clear();
    changed |= old == nullptr || !MessageDifferencer::Equals(*old, *model);
  }
  now->models = changed ? std::move(models) : known.models;
  return absl::OkStatus();
}

// Fills in the description of one model. A model that the server cannot describe keeps its state,
// but becomes UNAVAILABLE if it was READY.
absl::Status GrpcUpstream::DescribeModel(absl::Duration timeout, KnownModel* model) {
  grpc::ClientContext context;
  context.set_deadline(Deadline(timeout));
  inference::ModelMetadataRequest request;
  request.set_name(model->name());
  request.set_version(model->version());
  const grpc::Status described =
      AwayIfCancelled(stub_->rpc->ModelMetadata(&context, request, model->mutable_metadata()));
  if (!described.ok()) {
    model->clear_metadata();
    if (IsAway(described) && model->state() == "READY") {
      return Explain(described, context, options_.address);
    }
    if (model->state() == "READY") {
      model->set_state("UNAVAILABLE");
      model->set_reason(WithoutPaths(described.error_message()));
    }
    return absl::OkStatus();
  }
  if (model->version().empty() && model->metadata().versions_size() > 0) {
    model->set_version(*model->metadata().versions().rbegin());
  }
  grpc::ClientContext config_context;
  config_context.set_deadline(Deadline(timeout));
  inference::ModelConfigRequest config_request;
  config_request.set_name(model->name());
  config_request.set_version(model->version());
  inference::ModelConfigResponse config;
  const grpc::Status configured =
      AwayIfCancelled(stub_->rpc->ModelConfig(&config_context, config_request, &config));
  if (configured.ok()) model->mutable_config()->Swap(config.mutable_config());
  // ModelConfig is optional in the protocol: a server without it is configured at the gateway. If
  // the server has gone away, that is an error.
  return IsAway(configured) ? Explain(configured, config_context, options_.address)
                            : absl::OkStatus();
}

}  // namespace souvenir::gateway
