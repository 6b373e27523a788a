#include "gateway/resolve/computation.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "common/oip/message_tensors.h"
#include "common/souvenir_names.h"
#include "common/status_macros.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/resolve/answer_check.h"

namespace souvenir::gateway {
namespace {

// How much of the disk tier is read for a call where it is handled, as far as the page cache has
// it: half a millisecond's worth. The rest of a large batch goes to the disk executor.
constexpr size_t kMostAtHandBytes = 256 << 10;
// What one record costs beside its bytes: the block that it lies in.
constexpr size_t kProbeBytes = 4 << 10;

// Twice what a SHA-256 has in hex.
constexpr size_t kMostDigestBytes = 128;

// Errors that may be of one row's making: asked by itself, another row may be answered.
bool MayBeOneRowsFault(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kAborted:
      return true;
    default:
      return false;
  }
}

void SetParameter(const Parameter& parameter, inference::InferParameter* out) {
  struct Set {
    inference::InferParameter* out;
    void operator()(bool value) { out->set_bool_param(value); }
    void operator()(int64_t value) { out->set_int64_param(value); }
    void operator()(const std::string& value) { out->set_string_param(value); }
    void operator()(double value) { out->set_double_param(value); }
    void operator()(uint64_t value) { out->set_uint64_param(value); }
  };
  std::visit(Set{out}, parameter.value);
}

}  // namespace

Computation::Computation(Resolver* resolver, ResolveCallPtr call, std::vector<Row> rows)
    : resolver_(resolver),
      pass_(resolver->computations_.Enter()),
      call_(std::move(call)),
      rows_(std::move(rows)) {
  for (const Row& row : rows_) {
    for (const TensorView& input : question(row).inputs) bytes_ += input.data.size();
  }
  resolver_->waiting_bytes_ += bytes_;
}

Computation::~Computation() { resolver_->waiting_bytes_ -= bytes_; }

void Computation::Start(LookUp look_up) {
  if (!pass_) return FailAll(absl::UnavailableError("the gateway is stopping"));
  if (resolver_->waiting_bytes() > resolver_->options_.max_bytes) {
    return FailAll(absl::ResourceExhaustedError(
        fmt::format("{} bytes of requests wait to be computed, and the limit is {}",
                    resolver_->waiting_bytes(), resolver_->options_.max_bytes)));
  }
  if (look_up == LookUp::kNone || !LandWhatIsAtHand()) return CallUpstream();
  Task task = [self = shared_from_this(), asked_at = resolver_->parts_.clock->Monotonic()] {
    self->LandWhatIsOnDisk(asked_at);
    self->CallUpstream();
  };
  // A disk that is too busy to be asked costs a computation.
  if (!resolver_->parts_.disk_executor->TrySubmit(task)) CallUpstream();
}

bool Computation::LandWhatIsAtHand() {
  bool unknown = false;
  std::vector<Row> left;
  for (Row& row : rows_) {
    // Another flight may have landed between the look in memory and the beginning of this one.
    cache::EntryPtr entry = resolver_->parts_.cache->LookupMemory(row.flight->key());
    const bool was_in_memory = entry != nullptr;
    if (LandIfUsable(&row, std::move(entry), cache::FlightSource::kMemory)) continue;
    // The disk has what memory has, or something older.
    if (!was_in_memory) {
      cache::EntryPtr on_disk;
      unknown |= ProbeDisk(row, &on_disk) == cache::SegmentStore::Presence::kUnknown;
      if (LandIfUsable(&row, std::move(on_disk), cache::FlightSource::kDisk)) continue;
    }
    left.push_back(row);
  }
  rows_.swap(left);
  return unknown;
}

cache::SegmentStore::Presence Computation::ProbeDisk(const Row& row, cache::EntryPtr* entry) {
  if (call_->read_at_hand >= kMostAtHandBytes) return cache::SegmentStore::Presence::kUnknown;
  const auto presence = resolver_->parts_.cache->ProbeDisk(row.flight->key(), entry);
  if (*entry != nullptr) call_->read_at_hand += kProbeBytes + (*entry)->value().size();
  return presence;
}

void Computation::LandWhatIsOnDisk(absl::Duration asked_at) {
  std::vector<Row> left;
  for (Row& row : rows_) {
    cache::EntryPtr entry;
    if (row.stale == nullptr) entry = resolver_->parts_.cache->ReadDisk(row.flight->key());
    // Before the row lands, and its call may be answered.
    call_->stages.Note(Stage::kDisk, resolver_->parts_.clock->Monotonic() - asked_at);
    if (!LandIfUsable(&row, std::move(entry), cache::FlightSource::kDisk)) left.push_back(row);
  }
  rows_.swap(left);
}

bool Computation::LandIfUsable(Row* row, cache::EntryPtr entry, cache::FlightSource source) {
  switch (call_->JudgeFound(row->question, entry.get(), *resolver_->parts_.clock)) {
    case Freshness::kFresh:
    case Freshness::kStale:
      Land(*row, std::move(entry), source);
      return true;
    case Freshness::kIfError:
      row->stale = std::move(entry);
      return false;
    case Freshness::kTooOld:
      return false;
  }
  return false;
}

void Computation::CallUpstream() {
  if (rows_.empty()) return;
  if (call_->options.cache.only_if_cached) {
    return FailAll(absl::FailedPreconditionError(
        "no answer is remembered, and only-if-cached forbids to compute one"));
  }
  // Before the call is made, because it may end, and hand its flights on, before Infer() returns.
  for (const Row& row : rows_) {
    resolver_->flights_.OnWaiting(row.flight, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->Reconsider();
    });
  }
  {
    MutexLock lock(&mutex_);
    if (given_up_) return;
    begun_ = true;
  }
  called_at_ = resolver_->parts_.clock->Monotonic();
  const std::shared_ptr<Upstream::Call> call = resolver_->parts_.upstream->Infer(
      {BuildRequest(), target().model().version(), target().model().digest,
       resolver_->options_.call_timeout, call_->options.trace},
      [self = shared_from_this()](
          absl::StatusOr<std::unique_ptr<inference::ModelInferResponse>> response) {
        self->OnUpstreamDone(std::move(response));
      });
  bool given_up;
  {
    MutexLock lock(&mutex_);
    upstream_call_ = call;
    given_up = given_up_;
  }
  if (given_up) call->Cancel();
}

std::unique_ptr<inference::ModelInferRequest> Computation::BuildRequest() const {
  auto request = std::make_unique<inference::ModelInferRequest>();
  const Target& asked = target();
  request->set_model_name(asked.model().name());
  request->set_model_version(asked.version());
  for (const Parameter& parameter : asked.parameters()) {
    SetParameter(parameter, &(*request->mutable_parameters())[parameter.name]);
  }
  if (call_->options.priority != 0) {
    (*request->mutable_parameters())["priority"].set_int64_param(call_->options.priority);
  }
  if (asked.outputs() != asked.model().outputs) {
    for (const std::string& output : asked.outputs()) request->add_outputs()->set_name(output);
  }
  if (!asked.by_rows()) {
    AppendInputs(question(rows_.front()).inputs, request.get());
    return request;
  }
  const auto& first = question(rows_.front()).inputs;
  for (size_t i = 0; i < first.size(); ++i) {
    std::string data;
    for (const Row& row : rows_) data.append(question(row).inputs[i].data);
    std::vector<int64_t> shape(first[i].shape.begin(), first[i].shape.end());
    shape[0] = static_cast<int64_t>(rows_.size());
    AppendInputs({{first[i].name, first[i].datatype, shape, data}}, request.get());
  }
  return request;
}

void Computation::OnUpstreamDone(
    absl::StatusOr<std::unique_ptr<inference::ModelInferResponse>> response) {
  call_->stages.Note(Stage::kUpstream, resolver_->parts_.clock->Monotonic() - called_at_);
  {
    MutexLock lock(&mutex_);
    ended_ = true;
  }
  if (!response.ok()) {
    // What a server refuses it may refuse for what the row holds; what we refuse of its answer,
    // not.
    if (rows_.size() == 1 && absl::IsInvalidArgument(response.status())) {
      StoreRefusal(response.status());
      EndDeserted(DesertedWork::End::kAnswered);
    }
    EndDeserted(DesertedWork::End::kFailed);
    return OnUpstreamFailed(response.status());
  }
  const absl::Status landed = LandFromResponse(**response);
  EndDeserted(landed.ok() ? DesertedWork::End::kAnswered : DesertedWork::End::kFailed);
  if (landed.ok()) return;
  OnUpstreamFailed(
      absl::InternalError(fmt::format("the answer of model '{}' is malformed: {}",
                                      target().model().name(), std::string(landed.message()))));
}

void Computation::OnUpstreamFailed(const absl::Status& status) {
  if (rows_.size() > 1 && MayBeOneRowsFault(status)) return StartRowByRow();
  FailAll(status);
}

void Computation::StoreRefusal(const absl::Status& status) {
  const CatalogModel& model = target().model();
  if (model.freshness.error_ttl == absl::ZeroDuration() || !model.cached ||
      call_->options.cache.no_store) {
    return;
  }
  cache::Entry::Fields fields =
      FieldsFor(rows_.front(), resolver_->parts_.clock->Monotonic() - called_at_);
  fields.code = status.code();
  fields.origin = resolver_->parts_.cache->SharedOrigin(fields.origin);
  fields.value = std::string_view(status.message().data(), status.message().size());
  resolver_->parts_.cache->Insert(cache::Entry::Create(fields));
}

absl::StatusOr<TargetPtr> Computation::AnsweredTarget(
    const inference::ModelInferResponse& response) const {
  const TargetPtr& asked = question(rows_.front()).target;
  const auto found = response.parameters().find(kDigestName);
  if (found == response.parameters().end()) return asked;
  const std::string& digest = found->second.string_param();
  if (digest.empty() || digest.size() > kMostDigestBytes) {
    return absl::InternalError(fmt::format("its parameter '{}' is no string of 1 to {} bytes",
                                           kDigestName, kMostDigestBytes));
  }
  if (digest == asked->model().digest) return asked;
  resolver_->parts_.catalog->NoteStale(asked->model(), digest);
  return asked->WithDigest(digest);
}

absl::StatusOr<std::vector<TensorView>> Computation::RowsOf(const TensorView& output,
                                                            const Target& answered,
                                                            std::vector<int64_t>* row_shape) const {
  const Target& asked = target();
  std::optional<int64_t> rows = RowsToAnswer(asked.model(), question(rows_.front()).inputs);
  if (asked.by_rows()) rows = static_cast<int64_t>(rows_.size());
  // What a model declares that has been replaced is not known yet.
  SOUVENIR_RETURN_IF_ERROR(&answered == &asked ? CheckOutput(asked.model(), output, rows)
                                               : CheckRows(output, rows));
  if (rows_.size() == 1) return std::vector<TensorView>{output};
  row_shape->assign(output.shape.begin(), output.shape.end());
  (*row_shape)[0] = 1;
  return SplitRows(output, *row_shape);
}

absl::Status Computation::LandFromResponse(const inference::ModelInferResponse& response) {
  SOUVENIR_ASSIGN_OR_RETURN(const MessageTensors message, MessageTensors::FromResponse(response));
  const Target& asked = target();
  // An answer with another digest goes to those who wait for it, and is kept under its own name.
  SOUVENIR_ASSIGN_OR_RETURN(const TargetPtr answered, AnsweredTarget(response));

  // By output, then by row; a whole request is one row.
  std::vector<std::vector<TensorView>> columns;
  std::vector<std::vector<int64_t>> row_shapes(asked.outputs().size());
  for (size_t i = 0; i < asked.outputs().size(); ++i) {
    const std::string& name = asked.outputs()[i];
    const auto found = std::find_if(message.tensors().begin(), message.tensors().end(),
                                    [&](const TensorView& tensor) { return tensor.name == name; });
    if (found == message.tensors().end()) {
      return absl::InternalError(fmt::format("output '{}' is missing", name));
    }
    SOUVENIR_ASSIGN_OR_RETURN(std::vector<TensorView> column,
                              RowsOf(*found, *answered, &row_shapes[i]));
    columns.push_back(std::move(column));
  }

  const absl::Duration cost = CostPerRow(response);
  const bool store = asked.model().cached && !call_->options.cache.no_store;
  for (size_t i = 0; i < rows_.size(); ++i) {
    const Row& row = rows_[i];
    std::vector<TensorView> outputs;
    outputs.reserve(columns.size());
    for (const auto& column : columns) outputs.push_back(column[i]);
    const std::string value = EncodeTensors(outputs);
    cache::Entry::Fields fields = FieldsFor(row, cost);
    if (answered.get() != &asked) {
      fields.key = answered->FingerprintOf(question(row).inputs);
      cache::EpochStamp epochs = row.flight->epochs();
      cache::EpochTable::Restamp(cache::EpochTable::Key(row.flight->key()),
                                 cache::EpochTable::Key(fields.key),
                                 resolver_->parts_.cache->epochs(), &epochs);
      fields.epoch_sum = cache::EpochSum(epochs);
      fields.origin = answered->origin();
    }
    if (store) fields.origin = resolver_->parts_.cache->SharedOrigin(fields.origin);
    fields.value = value;
    fields.checked = answered.get() == &asked;
    cache::EntryPtr entry = cache::Entry::Create(fields);
    if (store) resolver_->parts_.cache->Insert(entry);
    Land(row, std::move(entry), cache::FlightSource::kUpstream);
  }
  return absl::OkStatus();
}

cache::Entry::Fields Computation::FieldsFor(const Row& row, absl::Duration cost) const {
  cache::Entry::Fields fields;
  fields.key = row.flight->key();
  fields.epoch_sum = cache::EpochSum(row.flight->epochs());
  fields.origin = target().origin();
  fields.created_at = resolver_->parts_.clock->Now();
  fields.cost = cost;
  fields.tags = call_->options.tags;
  return fields;
}

absl::Duration Computation::CostPerRow(const inference::ModelInferResponse& response) const {
  const auto time = response.parameters().find(kComputeTimeName);
  if (time != response.parameters().end()) {
    call_->stages.Note(Stage::kCompute, absl::Nanoseconds(time->second.int64_param()));
  }
  // A server that does not tell is believed to have computed all the while, and none to have
  // computed for longer than a call lasts.
  const absl::Duration all = time != response.parameters().end()
                                 ? absl::Nanoseconds(time->second.int64_param())
                                 : resolver_->parts_.clock->Monotonic() - called_at_;
  return std::clamp(all, absl::ZeroDuration(), resolver_->options_.call_timeout) /
         static_cast<int64_t>(rows_.size());
}

void Computation::StartRowByRow() {
  for (const Row& row : rows_) {
    auto one = std::make_shared<Computation>(resolver_, call_, std::vector<Row>{row});
    {
      MutexLock lock(&one->mutex_);
      one->begun_ = true;
    }
    one->CallUpstream();
  }
}

void Computation::Land(const Row& row, cache::EntryPtr entry, cache::FlightSource source) {
  resolver_->flights_.Land(row.flight, {absl::OkStatus(), std::move(entry), source});
}

void Computation::FailAll(const absl::Status& status) {
  for (const Row& row : rows_) {
    resolver_->flights_.Land(row.flight, {status, row.stale, cache::FlightSource::kUpstream});
  }
}

std::vector<cache::FlightPtr> Computation::flights() const {
  std::vector<cache::FlightPtr> flights;
  flights.reserve(rows_.size());
  for (const Row& row : rows_) flights.push_back(row.flight);
  return flights;
}

bool Computation::WouldBeKept() const {
  if (!target().model().cached || call_->options.cache.no_store) return false;
  const cache::EpochTable& epochs = resolver_->parts_.cache->epochs();
  return std::any_of(rows_.begin(), rows_.end(),
                     [&](const Row& row) { return epochs.IsCurrent(row.flight->epochs()); });
}

void Computation::Reconsider() {
  {
    // Held while looking, so that of two who come and leave at once the later look counts.
    MutexLock lock(&mutex_);
    if (ended_ || given_up_) return;
    if (!resolver_->flights_.AreDeserted(flights())) {
      if (std::exchange(deserted_, false)) {
        resolver_->deserted_.Remove(this, DesertedWork::End::kWanted);
      }
      return;
    }
    if (deserted_) return;
    if (begun_) {
      if (WouldBeKept()) {
        uint64_t bytes = 0;
        for (const Question& question : call_->questions) {
          for (const TensorView& input : question.inputs) bytes += input.data.size();
        }
        deserted_ = resolver_->deserted_.Add({.id = this,
                                              .request = call_.get(),
                                              .bytes = bytes,
                                              .model = target().model().name(),
                                              .give_up = [weak = weak_from_this()] {
                                                const auto self = weak.lock();
                                                if (self != nullptr) self->GiveUpIfDeserted();
                                              }});
        if (deserted_) return;
      } else {
        resolver_->deserted_.CountGivenUp();
      }
    }
  }
  GiveUpIfDeserted();
}

void Computation::EndDeserted(DesertedWork::End end) {
  {
    MutexLock lock(&mutex_);
    if (!std::exchange(deserted_, false)) return;
  }
  resolver_->deserted_.Remove(this, end);
}

void Computation::GiveUpIfDeserted() {
  if (!resolver_->flights_.Abandon(flights())) return;
  std::shared_ptr<Upstream::Call> call;
  {
    MutexLock lock(&mutex_);
    given_up_ = true;
    call = upstream_call_;
  }
  EndDeserted(DesertedWork::End::kGivenUp);
  if (call != nullptr) call->Cancel();
}

}  // namespace souvenir::gateway
