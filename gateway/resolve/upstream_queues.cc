#include "gateway/resolve/upstream_queues.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "common/souvenir_names.h"
#include "gateway/resolve/lanes.h"

namespace souvenir::gateway {
namespace {

// Most bytes of rows that go together, so that neither call nor answer comes near the limits of
// messages. Larger rows gain nothing from going together.
constexpr uint64_t kMaxBatchBytes = 1u << 20;

// The limit of a row for a server that does not tell it, if the model's configuration has no
// run_limit_ms: the default of our compute service.
constexpr absl::Duration kDefaultRunLimit = absl::Seconds(10);

// Returns the number of instances that a model's configuration names, or 1.
int InstancesOf(const CatalogModel& model) {
  const std::string& named = model.parameter("instances");
  int instances = 0;
  std::from_chars(named.data(), named.data() + named.size(), instances);
  if (instances <= 0) {
    for (const auto& group : model.known.config().instance_group()) instances += group.count();
  }
  return std::max(instances, 1);
}

// Returns nullopt if the text is not a number above 0.
std::optional<absl::Duration> ReadMilliseconds(const std::string& text) {
  int64_t milliseconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), milliseconds);
  if (milliseconds <= 0) return std::nullopt;
  return absl::Milliseconds(milliseconds);
}

// Returns the time after which compute ends the run of one row; nullopt if what it tells is no
// time.
std::optional<absl::Duration> RunLimitOf(const CatalogModel& model) {
  const auto& properties = model.known.metadata().properties();
  if (const auto told = properties.find(kRunLimitName); told != properties.end()) {
    return ReadMilliseconds(told->second);
  }
  return ReadMilliseconds(model.parameter("run_limit_ms")).value_or(kDefaultRunLimit);
}

uint64_t MaxRows(const Target& target) {
  return target.by_rows() && target.model().max_batch > 0
             ? static_cast<uint64_t>(target.model().max_batch)
             : 1;
}

uint64_t RowsIn(const PendingRow& row) {
  if (row.target()->by_rows() || row.inputs().empty()) return 1;
  const TensorView& first = row.inputs().front();
  const bool is_batch = row.target()->model().max_batch > 0 && !first.shape.empty();
  return is_batch ? static_cast<uint64_t>(std::max<int64_t>(first.shape[0], 1)) : 1;
}

}  // namespace

UpstreamQueues::LanePtr UpstreamQueues::LaneOf(const CatalogModel& model) {
  MutexLock lock(&mutex_);
  LanePtr& lane = lanes_[model.name()];
  if (lane == nullptr) {
    // All three are bounded, so that no product overflows.
    const int64_t most = options_.max_calls;
    const int64_t instances = std::min<int64_t>(InstancesOf(model), most);
    const int64_t servers = std::min(static_cast<int64_t>(context_->upstream->servers()), most);
    const int64_t first =
        options_.first_calls > 0 ? options_.first_calls : (instances + 1) * servers;
    lane = std::make_shared<Lane>(
        FairQueue<QueuedPtr>::Options{.limit = options_.max_waiting_rows},
        ConcurrencyLimit::Options{.first = static_cast<int>(std::min(first, most)),
                                  .most = options_.max_calls});
    MutexLock lane_lock(&lane->mutex);
    lane->instances = static_cast<int>(instances);
    lane->all_instances = static_cast<int>(std::min(instances * servers, most));
  }
  return lane;
}

UpstreamQueues::QueuedPtr UpstreamQueues::Push(Lane& lane, PendingRowPtr row, bool alone) {
  auto queued = std::make_shared<Queued>();
  FairQueue<QueuedPtr>::Item item{.tenant = row->target()->origin()->tenant(),
                                  .priority = row->call()->options.priority,
                                  .group = alone ? "" : UpstreamGroup(*row),
                                  .rows = RowsIn(*row),
                                  .bytes = row->bytes(),
                                  .source = row->call().get(),
                                  .value = queued};
  queued->row = std::move(row);
  queued->id = lane.waiting.Push(std::move(item), context_->clock->Monotonic());
  return queued;
}

void UpstreamQueues::Ask(PendingRows rows) {
  if (rows.empty()) return;
  const Target& target = *rows.front()->target();
  const LanePtr lane = LaneOf(target.model());
  std::vector<QueuedPtr> waiting;
  {
    MutexLock lock(&lane->mutex);
    if (lane->waiting.HasRoom(target.origin()->tenant())) {
      for (const PendingRowPtr& row : rows) waiting.push_back(Push(*lane, row, /*alone=*/false));
    } else {
      lane->counted.refused += rows.size();
    }
  }
  if (waiting.empty()) {
    const absl::Status refused = WithNoRoom(absl::ResourceExhaustedError(fmt::format(
        "too many rows wait for model '{}': the queue has room for {}, and a tenant for as many as "
        "are free; try again later",
        target.model().name(), options_.max_waiting_rows)));
    for (const PendingRowPtr& row : rows) row->Fail(context_->flights, refused);
    return;
  }
  for (const QueuedPtr& queued : waiting) {
    context_->flights->WhenWaitersChange(queued->row->flight(),
                                         [this, lane, weak = std::weak_ptr(queued)] {
                                           if (const QueuedPtr queued = weak.lock())
                                             DropIfDeserted(*lane, queued);
                                         });
  }
  SendWhatMayGo(lane);
}

void UpstreamQueues::AskAgain(const LanePtr& lane, PendingRows rows) {
  {
    MutexLock lock(&lane->mutex);
    for (PendingRowPtr& row : rows) Push(*lane, row, /*alone=*/true);
  }
  // Unlike in Ask(), deserted rows stay in the queue: compute had begun with them, so the budget of
  // deserted work decides once they are asked for again.
  SendWhatMayGo(lane);
}

uint64_t UpstreamQueues::MaxMixedRows(const CatalogModel& model) const {
  // Compute must end a hanging run well before this side gives up the call. Otherwise the rows of
  // other callers are asked for again, and wait behind the hanging run. Half of the time is for the
  // run, and half for the rows by themselves, even if each of them hangs.
  const absl::Duration patience = context_->call_timeout / 2;
  if (!TellsDigest(model.known)) return UINT64_MAX;  // not our compute service
  const auto& properties = model.known.metadata().properties();
  if (const auto told = properties.find(kHangingRowLimitName); told != properties.end()) {
    const std::optional<absl::Duration> limit = ReadMilliseconds(told->second);
    return limit && *limit <= patience ? UINT64_MAX : 1;
  }
  // The limit grows with the rows of a call, and one hanging row may use up the time of all of
  // them.
  const std::optional<absl::Duration> limit = RunLimitOf(model);
  if (!limit) return 1;
  absl::Duration rest;
  return static_cast<uint64_t>(std::max<int64_t>(absl::IDivDuration(patience, *limit, &rest), 1));
}

void UpstreamQueues::SendWhatMayGo(const LanePtr& lane) {
  {
    // Only one thread sends at a time. A call that ends at once, as all do while compute is away,
    // comes here again; without this check the calls would nest as deep as the queue is long.
    MutexLock lock(&lane->mutex);
    if (std::exchange(lane->is_sending, true)) return;
  }
  // The rows of the last batch keep the resolver alive, and with it this object.
  std::shared_ptr<UpstreamBatch> last;
  while (std::shared_ptr<UpstreamBatch> batch = TakeBatch(*lane)) {
    batch->Start([this, lane](const UpstreamBatch::Outcome& outcome) { OnEnded(lane, outcome); },
                 [this, lane](PendingRows again) { AskAgain(lane, std::move(again)); });
    last = std::move(batch);
  }
}

std::shared_ptr<UpstreamBatch> UpstreamQueues::TakeBatch(Lane& lane) {
  MutexLock lock(&lane.mutex);
  FollowInstances(lane);
  const int free = lane.limit.limit() - lane.under_way;
  const auto* const next = lane.waiting.Next();
  if (free <= 0 || next == nullptr) {
    lane.is_sending = false;
    return nullptr;
  }
  // Each instance without a call under way gets a share.
  const auto idle =
      static_cast<uint64_t>(std::max(std::min(free, lane.all_instances - lane.under_way), 1));
  const uint64_t share = (lane.waiting.size() + idle - 1) / idle;
  const Target& target = *next->value->row->target();
  const std::vector<QueuedPtr> taken = lane.waiting.Pop({.rows = std::min(share, MaxRows(target)),
                                                         .mixed_rows = MaxMixedRows(target.model()),
                                                         .bytes = kMaxBatchBytes});
  PendingRows rows;
  rows.reserve(taken.size());
  for (const QueuedPtr& queued : taken) rows.push_back(queued->row);
  for (const QueuedPtr& queued : taken) queued->id = 0;
  ++lane.under_way;
  ++lane.counted.calls;
  lane.counted.rows += taken.size();
  return std::make_shared<UpstreamBatch>(context_, std::move(rows));
}

void UpstreamQueues::FollowInstances(Lane& lane) {
  const auto most = static_cast<int64_t>(options_.max_calls);
  const auto servers = static_cast<int64_t>(context_->upstream->servers());
  const int now = static_cast<int>(std::min(lane.instances * std::min(servers, most), most));
  lane.limit.Shift(now - lane.all_instances);
  lane.all_instances = now;
}

void UpstreamQueues::OnEnded(const LanePtr& lane, const UpstreamBatch::Outcome& outcome) {
  {
    MutexLock lock(&lane->mutex);
    if (outcome.instances > 0) {
      lane->instances = static_cast<int>(std::min<int64_t>(outcome.instances, options_.max_calls));
    }
    if (outcome.status.ok()) {
      lane->limit.Record(
          {.under_way = lane->under_way, .took = outcome.took, .waited = outcome.waited});
    } else if (absl::IsResourceExhausted(outcome.status) &&
               !HasRowFault(outcome.status, RowFault::kTooLargeAnswer)) {
      lane->limit.RecordRefusal();
    }
    --lane->under_way;
  }
  SendWhatMayGo(lane);
}

void UpstreamQueues::DropIfDeserted(Lane& lane, const QueuedPtr& queued) {
  PendingRowPtr dropped;  // destroyed outside the lock
  // The flight ends under the lock, so that the row cannot go upstream in between.
  MutexLock lock(&lane.mutex);
  if (queued->id == 0) return;
  const cache::FlightPtr flight = queued->row->flight();
  if (!context_->flights->Abandon({&flight, 1})) return;
  lane.waiting.Remove(std::exchange(queued->id, 0));
  dropped = std::move(queued->row);
}

void UpstreamQueues::Forget(const std::function<bool(std::string_view model)>& keeps) {
  std::vector<std::string> names;
  {
    MutexLock lock(&mutex_);
    for (const auto& [name, lane] : lanes_) names.push_back(name);
  }
  std::erase_if(names, [&](const std::string& name) { return keeps(name); });
  std::vector<LanePtr> dropped;  // destroyed outside the lock
  MutexLock lock(&mutex_);
  for (const std::string& name : names) {
    const auto found = lanes_.find(name);
    // Who uses a lane shares it, and gets it under the lock.
    if (found == lanes_.end() || found->second.use_count() > 1) continue;
    {
      MutexLock lane_lock(&found->second->mutex);
      if (found->second->under_way > 0 || found->second->waiting.size() > 0) continue;
    }
    dropped.push_back(std::move(found->second));
    lanes_.erase(found);
  }
}

std::vector<UpstreamQueues::Stats> UpstreamQueues::stats() const {
  std::vector<std::pair<std::string, LanePtr>> lanes;
  {
    MutexLock lock(&mutex_);
    lanes.assign(lanes_.begin(), lanes_.end());
  }
  std::vector<Stats> all;
  all.reserve(lanes.size());
  for (const auto& [name, lane] : lanes) {
    MutexLock lock(&lane->mutex);
    Stats stats = lane->counted;
    stats.model = name;
    stats.waiting_rows = lane->waiting.size();
    stats.calls_under_way = static_cast<uint64_t>(lane->under_way);
    stats.call_limit = static_cast<uint64_t>(lane->limit.limit());
    all.push_back(std::move(stats));
  }
  return all;
}

}  // namespace souvenir::gateway
