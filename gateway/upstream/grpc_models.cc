#include "gateway/upstream/grpc_models.h"

#include <fmt/format.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/rpc_method.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "common/grpc/caller.h"
#include "common/logging/logging.h"
#include "common/model_name.h"
#include "common/souvenir_names.h"
#include "common/status_detail.h"
#include "common/status_macros.h"
#include "gateway/upstream/grpc_channel.h"
#include "inference/grpc_service.grpc.pb.h"

namespace souvenir::gateway {
namespace {

using google::protobuf::util::MessageDifferencer;
using inference::GRPCInferenceService;
using souvenir::state::v1::KnownModel;
using souvenir::state::v1::KnownModels;

constinit Logger log{"upstream"};
constinit LogLimit left_out_limit;

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

}  // namespace

struct GrpcModels::Stub {
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

GrpcModels::GrpcModels(std::shared_ptr<grpc::ChannelInterface> channel, std::string address)
    : address_(std::move(address)), stub_(std::make_unique<Stub>(std::move(channel))) {}

GrpcModels::~GrpcModels() = default;

absl::StatusOr<KnownModelsPtr> GrpcModels::Describe(const Look& look) {
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

absl::StatusOr<bool> GrpcModels::ReadIndex(const Look& look, const Described& known,
                                           Described* now) {
  grpc::ClientContext context;
  context.set_deadline(DeadlineIn(look.timeout));
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
  if (!status.ok()) return Explain(status, context, address_);
  const auto& metadata = context.GetServerInitialMetadata();
  const auto told = metadata.find(kRevisionHeader);
  if (told != metadata.end()) now->revision.assign(told->second.data(), told->second.size());
  if (!now->revision.empty() && now->revision == known.revision) return true;
  TellRefused(TakeIndex(index, &now->index));
  return false;
}

absl::Status GrpcModels::DescribeModels(const Look& look, const Described& known, Described* now) {
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
absl::Status GrpcModels::DescribeModel(absl::Duration timeout, KnownModel* model) {
  grpc::ClientContext context;
  context.set_deadline(DeadlineIn(timeout));
  inference::ModelMetadataRequest request;
  request.set_name(model->name());
  request.set_version(model->version());
  const grpc::Status described =
      AwayIfCancelled(stub_->rpc->ModelMetadata(&context, request, model->mutable_metadata()));
  if (!described.ok()) {
    model->clear_metadata();
    if (IsAway(described) && model->state() == "READY") {
      return Explain(described, context, address_);
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
  config_context.set_deadline(DeadlineIn(timeout));
  inference::ModelConfigRequest config_request;
  config_request.set_name(model->name());
  config_request.set_version(model->version());
  inference::ModelConfigResponse config;
  const grpc::Status configured =
      AwayIfCancelled(stub_->rpc->ModelConfig(&config_context, config_request, &config));
  if (configured.ok()) model->mutable_config()->Swap(config.mutable_config());
  // ModelConfig is optional in the protocol: a server without it is configured at the gateway. If
  // the server has gone away, that is an error.
  return IsAway(configured) ? Explain(configured, config_context, address_) : absl::OkStatus();
}

void GrpcModels::TellRefused(const std::vector<std::string>& refused) {
  if (refused_.exchange(refused.size()) == refused.size()) return;
  for (size_t i = 0; i < std::min(refused.size(), kMostTold); ++i) {
    log.Warning(left_out_limit, "a model of compute is left out",
                {{"address", address_}, {"reason", refused[i]}});
  }
}

}  // namespace souvenir::gateway
