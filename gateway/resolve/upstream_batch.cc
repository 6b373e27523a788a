#include "gateway/resolve/upstream_batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include "common/error_kind.h"
#include "common/refusal.h"
#include "common/status_macros.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/resolve/answer_check.h"
#include "gateway/upstream/model_digest.h"

namespace souvenir::gateway {
namespace {

// Appends the parts of a group's name with their lengths, so that no two groups share a name.
class NameWriter {
 public:
  explicit NameWriter(std::string* name) : name_(name) {}

  void Add(std::string_view part) {
    Add(static_cast<int64_t>(part.size()));
    name_->append(part);
  }
  void Add(int64_t number) {
    name_->append(reinterpret_cast<const char*>(&number), sizeof(number));
  }

 private:
  std::string* const name_;
};

struct AddValue {
  NameWriter* out;
  void operator()(bool value) { out->Add(int64_t{value}); }
  void operator()(int64_t value) { out->Add(value); }
  void operator()(const std::string& value) { out->Add(value); }
  void operator()(double value) {
    out->Add(std::string_view(reinterpret_cast<const char*>(&value), sizeof(value)));
  }
  void operator()(uint64_t value) { out->Add(static_cast<int64_t>(value)); }
};

}  // namespace

std::string UpstreamGroup(const PendingRow& row) {
  const Target& target = *row.target();
  if (!target.by_rows()) return "";
  std::string name;
  NameWriter out(&name);
  out.Add(target.model().name());
  out.Add(target.version());
  out.Add(target.model().version());
  out.Add(target.model().digest);
  for (const Parameter& parameter : target.parameters()) {
    out.Add(parameter.name);
    out.Add(static_cast<int64_t>(parameter.value.index()));
    std::visit(AddValue{&out}, parameter.value);
  }
  out.Add(static_cast<int64_t>(target.outputs().size()));
  for (const std::string& output : target.outputs()) out.Add(output);
  for (const TensorView& input : row.inputs()) {
    out.Add(input.name);
    out.Add(static_cast<int64_t>(input.datatype));
    for (size_t i = 1; i < input.shape.size(); ++i) out.Add(input.shape[i]);
    out.Add(int64_t{-1});
  }
  return name;
}

void UpstreamBatch::Start(Ended ended, AskAgain ask_again) {
  ended_ = std::move(ended);
  ask_again_ = std::move(ask_again);
  called_at_ = context_->clock->Monotonic();
  // Registered before the call is made, because the call may end before Infer() returns.
  for (const PendingRowPtr& row : rows_) {
    context_->flights->WhenWaitersChange(row->flight(), [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Reconsider();
    });
  }
  bool is_given_up;
  {
    MutexLock lock(&mutex_);
    is_given_up = has_ended_ = is_given_up_;
  }
  if (is_given_up) return ended_({.status = absl::CancelledError("nobody waits")});
  const std::shared_ptr<Upstream::Call> call = context_->upstream->Infer(
      MakeInference(), context_->call_timeout,
      [self = shared_from_this()](absl::StatusOr<InferenceAnswer> answer) {
        self->OnDone(std::move(answer));
      });
  {
    MutexLock lock(&mutex_);
    call_ = call;
    is_given_up = is_given_up_;
  }
  if (is_given_up) call->Cancel();
}

std::shared_ptr<const Inference> UpstreamBatch::MakeInference() const {
  auto inference = std::make_shared<Inference>();
  const Target& asked = target();
  inference->model = asked.model().name();
  inference->version = asked.version();
  inference->parameters = asked.parameters();
  if (asked.outputs() != asked.model().outputs) inference->outputs = asked.outputs();
  inference->known_version = asked.model().version();
  inference->known_digest = asked.model().digest;
  inference->trace = rows_.front()->call()->options.trace;
  for (const PendingRowPtr& row : rows_) {
    const int64_t priority = row->call()->options.priority;
    if (priority <= 0) continue;
    inference->priority =
        inference->priority > 0 ? std::min(inference->priority, priority) : priority;
  }
  inference->rows = rows_.size();
  const auto& first = rows_.front()->inputs();
  for (size_t i = 0; i < first.size(); ++i) {
    Tensor& joined = inference->inputs.emplace_back();
    joined.name = std::string(first[i].name);
    joined.datatype = first[i].datatype;
    joined.shape.assign(first[i].shape.begin(), first[i].shape.end());
    if (asked.by_rows()) joined.shape[0] = static_cast<int64_t>(rows_.size());
    size_t bytes = 0;
    for (const PendingRowPtr& row : rows_) bytes += row->inputs()[i].data.size();
    joined.data.reserve(bytes);
    for (const PendingRowPtr& row : rows_) joined.data.append(row->inputs()[i].data);
  }
  return inference;
}

void UpstreamBatch::OnDone(absl::StatusOr<InferenceAnswer> answer) {
  const absl::Duration took = Elapsed();
  NoteStage(Stage::kUpstream, took);
  {
    MutexLock lock(&mutex_);
    has_ended_ = true;
  }
  // Frees the call's place for the next rows while these land.
  Outcome outcome{.status = answer.status(), .took = took};
  if (answer.ok()) {
    outcome.waited = answer->queue_time;
    outcome.instances = answer->instances;
  }
  ended_(outcome);
  if (!answer.ok()) {
    // A server may refuse the row's content. If this side refuses the answer, that is not the row's
    // fault.
    if (rows_.size() == 1 && absl::IsInvalidArgument(answer.status())) {
      StoreRefusal(answer.status());
      LeaveDeserted(DesertedWork::End::kAnswered);
    }
    LeaveDeserted(DesertedWork::End::kFailed);
    return OnFailed(answer.status());
  }
  const absl::Status landed = LandAnswer(*answer);
  LeaveDeserted(landed.ok() ? DesertedWork::End::kAnswered : DesertedWork::End::kFailed);
  if (landed.ok()) return;
  OnFailed(
      absl::InternalError(fmt::format("the answer of model '{}' is malformed: {}",
                                      target().model().name(), std::string(landed.message()))));
}

void UpstreamBatch::OnFailed(const absl::Status& status) {
  const bool may_be_one_rows_fault =
      KindOf(status.code()).may_be_one_rows_fault || HasRowFault(status);
  if (rows_.size() > 1 && may_be_one_rows_fault) return ask_again_(rows_);
  FailAll(status);
}

void UpstreamBatch::StoreRefusal(const absl::Status& status) {
  const std::string digest = ModelDigestOf(status);
  // The model may have been replaced since it was asked. If its server tells digests, a refusal
  // without one is not the model's, or not known to be.
  if (digest.empty() && TellsDigest(target().model().known)) return;
  const bool is_replaced = IsReplacedBy(digest);
  const PendingRow& row = *rows_.front();
  if (target().model().freshness.error_ttl == absl::ZeroDuration() || !row.is_kept()) return;
  const TargetPtr refused_by = is_replaced ? row.target()->WithDigest(digest) : row.target();
  cache::Entry::Fields fields = FieldsFor(row, refused_by, Elapsed());
  fields.code = status.code();
  fields.origin = context_->cache->SharedOrigin(fields.origin);
  fields.value = std::string_view(status.message().data(), status.message().size());
  context_->cache->Insert(cache::Entry::Create(fields));
}

absl::StatusOr<std::vector<TensorView>> UpstreamBatch::RowsOf(
    const TensorView& output, bool is_declared, std::vector<int64_t>* row_shape) const {
  const Target& asked = target();
  std::optional<int64_t> rows = RowsToAnswer(asked.model(), rows_.front()->inputs());
  if (asked.by_rows()) rows = static_cast<int64_t>(rows_.size());
  SOUVENIR_RETURN_IF_ERROR(is_declared ? CheckOutput(asked.model(), output, rows)
                                       : CheckRows(output, rows));
  if (rows_.size() == 1) return std::vector<TensorView>{output};
  row_shape->assign(output.shape.begin(), output.shape.end());
  (*row_shape)[0] = 1;
  return SplitRows(output, *row_shape);
}

absl::StatusOr<std::vector<std::vector<TensorView>>> UpstreamBatch::Split(
    const InferenceAnswer& answer, std::vector<std::vector<int64_t>>* row_shapes) const {
  const Target& asked = target();
  // If another model has replaced the one in the catalog, its declarations are not known yet.
  const bool is_declared = answer.digest.empty() || answer.digest == asked.model().digest;
  row_shapes->resize(asked.outputs().size());
  std::vector<std::vector<TensorView>> columns;
  for (size_t i = 0; i < asked.outputs().size(); ++i) {
    const std::string& name = asked.outputs()[i];
    const auto found = std::find_if(answer.outputs.begin(), answer.outputs.end(),
                                    [&](const TensorView& tensor) { return tensor.name == name; });
    if (found == answer.outputs.end()) {
      return absl::InternalError(fmt::format("output '{}' is missing", name));
    }
    SOUVENIR_ASSIGN_OR_RETURN(std::vector<TensorView> column,
                              RowsOf(*found, is_declared, &(*row_shapes)[i]));
    columns.push_back(std::move(column));
  }
  return columns;
}

absl::Status UpstreamBatch::LandAnswer(const InferenceAnswer& answer) {
  std::vector<std::vector<int64_t>> row_shapes;  // the columns refer to them
  SOUVENIR_ASSIGN_OR_RETURN(const auto columns, Split(answer, &row_shapes));
  const bool is_replaced = IsReplacedBy(answer.digest);
  const absl::Duration cost = CostPerRow(answer);
  std::map<const Target*, TargetPtr> answered;  // the targets with the digest of the answer
  for (size_t i = 0; i < rows_.size(); ++i) {
    const PendingRow& row = *rows_[i];
    TargetPtr& by = answered[row.target().get()];
    if (by == nullptr) by = is_replaced ? row.target()->WithDigest(answer.digest) : row.target();
    std::vector<TensorView> outputs;
    outputs.reserve(columns.size());
    for (const auto& column : columns) outputs.push_back(column[i]);
    LandRow(row, by, outputs, cost);
  }
  return absl::OkStatus();
}

void UpstreamBatch::LandRow(const PendingRow& row, const TargetPtr& answered,
                            const std::vector<TensorView>& outputs, absl::Duration cost) {
  const std::string value = EncodeTensors(outputs);
  cache::Entry::Fields fields = FieldsFor(row, answered, cost);
  if (row.is_kept()) fields.origin = context_->cache->SharedOrigin(fields.origin);
  fields.value = value;
  fields.checked = answered == row.target();
  cache::EntryPtr entry = cache::Entry::Create(fields);
  if (row.is_kept()) context_->cache->Insert(entry);
  row.Land(context_->flights, std::move(entry), cache::FlightSource::kUpstream);
}

bool UpstreamBatch::IsReplacedBy(std::string_view digest) const {
  if (digest.empty() || digest == target().model().digest) return false;
  context_->catalog->NoteStale(target().model(), digest);
  return true;
}

cache::Entry::Fields UpstreamBatch::FieldsFor(const PendingRow& row, const TargetPtr& answered,
                                              absl::Duration cost) const {
  cache::Entry::Fields fields;
  fields.key = row.key();
  fields.epoch_sum = cache::EpochSum(row.flight()->epochs());
  fields.origin = answered->origin();
  // An answer with another digest goes to the waiting callers, and is cached under the key of that
  // digest.
  if (answered != row.target()) {
    fields.key = answered->FingerprintOf(row.inputs());
    cache::EpochStamp epochs = row.flight()->epochs();
    cache::EpochTable::Restamp(cache::EpochTable::Key(row.key()),
                               cache::EpochTable::Key(fields.key), context_->cache->epochs(),
                               &epochs);
    fields.epoch_sum = cache::EpochSum(epochs);
  }
  fields.created_at = context_->clock->Now();
  fields.cost = cost;
  fields.tags = row.call()->options.tags;
  return fields;
}

absl::Duration UpstreamBatch::CostPerRow(const InferenceAnswer& answer) const {
  if (answer.compute_time) NoteStage(Stage::kCompute, *answer.compute_time);
  // A server that reports no compute time counts as computing during the whole call. The time is at
  // most the call's timeout, whatever a server reports.
  const absl::Duration all = answer.compute_time.value_or(Elapsed());
  return std::clamp(all, absl::ZeroDuration(), context_->call_timeout) /
         static_cast<int64_t>(rows_.size());
}

void UpstreamBatch::NoteStage(Stage stage, absl::Duration took) const {
  for (const PendingRowPtr& row : rows_) row->call()->stages.Note(stage, took);
}

void UpstreamBatch::FailAll(const absl::Status& status) {
  for (const PendingRowPtr& row : rows_) row->Fail(context_->flights, status);
}

std::vector<cache::FlightPtr> UpstreamBatch::flights() const {
  std::vector<cache::FlightPtr> flights;
  flights.reserve(rows_.size());
  for (const PendingRowPtr& row : rows_) flights.push_back(row->flight());
  return flights;
}

bool UpstreamBatch::WouldBeKept() const {
  const cache::EpochTable& epochs = context_->cache->epochs();
  return std::any_of(rows_.begin(), rows_.end(), [&](const PendingRowPtr& row) {
    return row->is_kept() && epochs.IsCurrent(row->flight()->epochs());
  });
}

void UpstreamBatch::Reconsider() {
  {
    // The lock is held during the look: if one caller comes while another leaves, the later look
    // decides.
    MutexLock lock(&mutex_);
    if (has_ended_ || is_given_up_) return;
    if (!context_->flights->AreDeserted(flights())) {
      if (std::exchange(is_deserted_, false)) {
        context_->deserted->Remove(this, DesertedWork::End::kWanted);
      }
      return;
    }
    if (is_deserted_) return;
    if (!WouldBeKept()) {
      context_->deserted->CountGivenUp();
    } else if (is_deserted_ = TryDesert(); is_deserted_) {
      return;
    }
  }
  GiveUpIfDeserted();
}

bool UpstreamBatch::TryDesert() {
  std::vector<DesertedWork::Request> requests;
  std::set<const ResolveCall*> seen;
  for (const PendingRowPtr& row : rows_) {
    if (!seen.insert(row->call().get()).second) continue;
    uint64_t bytes = 0;
    for (const Question& question : row->call()->questions) bytes += BytesOf(question);
    requests.push_back({row->call().get(), bytes});
  }
  return context_->deserted->Add({.id = this,
                                  .requests = std::move(requests),
                                  .model = target().model().name(),
                                  .give_up = [weak = weak_from_this()] {
                                    if (const auto self = weak.lock()) self->GiveUpIfDeserted();
                                  }});
}

void UpstreamBatch::LeaveDeserted(DesertedWork::End end) {
  {
    MutexLock lock(&mutex_);
    if (!std::exchange(is_deserted_, false)) return;
  }
  context_->deserted->Remove(this, end);
}

void UpstreamBatch::GiveUpIfDeserted() {
  if (!context_->flights->Abandon(flights())) return;
  std::shared_ptr<Upstream::Call> call;
  {
    MutexLock lock(&mutex_);
    is_given_up_ = true;
    call = call_;
  }
  LeaveDeserted(DesertedWork::End::kGivenUp);
  if (call != nullptr) call->Cancel();
}

}  // namespace souvenir::gateway
