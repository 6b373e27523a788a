#include "gateway/tasks/scheduler.h"

#include <algorithm>
#include <random>
#include <utility>

#include "common/logging/logging.h"
#include "gateway/tasks/retry_decision.h"

namespace souvenir::gateway {
namespace {

constinit Logger log{"tasks"};
LogLimit store_limit{1};

// The pause before the store is asked again after an error.
constexpr absl::Duration kAfterError = absl::Seconds(1);

// While the gateway has no room for more steps.
constexpr Backoff::Options kFull = {
    .free_failures = 0, .first = absl::Milliseconds(50), .longest = absl::Seconds(1)};

// A queue rests after a step came from it whose model is away. The step goes behind those of its
// priority, so that others come up after the pause.
constexpr absl::Duration kRest = absl::Milliseconds(100);
// The rest of a queue that has no other steps.
constexpr absl::Duration kLongRest = absl::Seconds(1);

// The wall clock, by which steps are due, may be set meanwhile.
constexpr absl::Duration kLongestPause = absl::Seconds(30);

double RandomShare() {
  thread_local std::mt19937_64 random{std::random_device()()};
  return std::uniform_real_distribution<double>(0, 1)(random);
}

}  // namespace

Scheduler::Scheduler(Options options, const Parts& parts)
    : options_([&options] {
        if (options.uniform == nullptr) options.uniform = RandomShare;
        return std::move(options);
      }()),
      parts_(parts),
      limit_(options_.max_running),
      models_(parts.clock),
      full_(parts.clock, kFull) {
  if (options_.mode == Mode::kManual) return;
  // The thread takes the lock, too, so that it is there whenever one pokes it.
  MutexLock lock(&mutex_);
  thread_ = std::make_unique<PeriodicThread>(
      PeriodicThread::Options{.name = "tasks", .clock = parts.clock}, [this] { return Round(); });
}

Scheduler::~Scheduler() { Stop(); }

void Scheduler::Poke() {
  PeriodicThread* thread;
  {
    MutexLock lock(&mutex_);
    thread = thread_.get();
  }
  if (thread != nullptr) thread->Poke();
}

bool Scheduler::Note(const Moves& moves) {
  parts_.watchers->Tell(moves.events);
  if (moves.ready_queues.empty() && moves.stopped.empty() && !moves.more &&
      moves.next_due == absl::InfiniteFuture()) {
    return false;
  }
  MutexLock lock(&mutex_);
  stopped_jobs_.insert(moves.stopped.begin(), moves.stopped.end());
  maintain_at_ = std::min(maintain_at_, moves.more ? absl::InfinitePast() : moves.next_due);
  return true;
}

void Scheduler::OnMoves(const Moves& moves) {
  if (Note(moves)) Poke();
}

void Scheduler::OnDone(const RunKey& key, StepResult result) {
  bool is_first;
  {
    MutexLock lock(&mutex_);
    is_first = ended_.empty();
    ended_.push_back({key, std::move(result)});
    has_ended_.NotifyOne();
  }
  if (is_first) Poke();
}

absl::Duration Scheduler::Round() {
  bool goes_on = true;
  while (goes_on) {
    goes_on = CommitEnded();
    MaintainIfDue();
    GiveUpStopped();
    goes_on = StartSteps() || goes_on;
    MutexLock lock(&mutex_);
    goes_on = goes_on || !ended_.empty();
  }
  const absl::Duration pause = Pause();
  MutexLock lock(&mutex_);
  if (maintain_at_ == absl::InfiniteFuture()) return pause;
  return std::min({pause, kLongestPause,
                   std::max(maintain_at_ - parts_.clock->Now(), absl::ZeroDuration())});
}

absl::Duration Scheduler::Pause() const {
  if (full_.Remaining() > absl::ZeroDuration()) return full_.Remaining();
  absl::Duration pause = absl::InfiniteDuration();
  for (const auto& [queue, until] : rests_) {
    pause = std::min(pause, std::max(until - parts_.clock->Monotonic(), absl::ZeroDuration()));
  }
  return pause;
}

bool Scheduler::CommitEnded() {
  std::vector<Ended> ended;
  {
    MutexLock lock(&mutex_);
    ended.swap(ended_);
  }
  if (ended.empty()) return false;
  std::vector<Outcome> outcomes;
  outcomes.reserve(ended.size());
  for (Ended& end : ended) {
    const auto run = runs_.find(end.key);
    if (run == runs_.end()) continue;
    outcomes.push_back(Judge(run->second, std::move(end.result)));
    runs_.erase(run);
  }
  if (std::exchange(found_no_room_, false)) full_.Failed();
  running_.store(runs_.size(), std::memory_order_relaxed);
  absl::StatusOr<Moves> moves = parts_.store->Commit(std::move(outcomes), parts_.clock->Now());
  if (moves.ok()) {
    (void)Note(*moves);
  } else {
    OnStoreError(moves.status());
  }
  return true;
}

Outcome Scheduler::Judge(const Run& run, StepResult result) {
  if (run.held_back) return {.ref = run.step.ref, .attempt = run.step.attempt};
  if (!run.model.empty()) {
    const bool is_away = !result.outputs.ok() && !result.no_room && !run.given_up &&
                         SaysUnavailable(result.outputs.status().code());
    models_.Ended(run.model, result.outputs.ok() ? AwayModels::End::kSucceeded
                             : is_away           ? AwayModels::End::kUnavailable
                                                 : AwayModels::End::kOther);
  }
  run_times_.Record(parts_.clock->Monotonic() - run.begun);
  rows_.fetch_add(result.rows, std::memory_order_relaxed);
  remembered_rows_.fetch_add(result.remembered_rows, std::memory_order_relaxed);
  // A step that finds no room while it runs alone is too large, and its policy counts.
  const bool goes_back = result.no_room && runs_.size() > 1;
  found_no_room_ = found_no_room_ || goes_back;
  if ((run.given_up || goes_back) && !result.outputs.ok()) {
    given_up_.fetch_add(1, std::memory_order_relaxed);
    return {.ref = run.step.ref, .attempt = run.step.attempt, .kind = Outcome::Kind::kGivenUp};
  }
  Outcome outcome = OutcomeOf(run.step, std::move(result), parts_.clock->Now(), options_.uniform());
  Adapt(run, outcome);
  switch (outcome.kind) {
    case Outcome::Kind::kSucceeded:
      succeeded_.fetch_add(1, std::memory_order_relaxed);
      break;
    case Outcome::Kind::kFailed:
      failed_.fetch_add(1, std::memory_order_relaxed);
      break;
    case Outcome::Kind::kRetry:
      retried_.fetch_add(1, std::memory_order_relaxed);
      break;
    case Outcome::Kind::kGivenUp:
      given_up_.fetch_add(1, std::memory_order_relaxed);
      break;
  }
  return outcome;
}

void Scheduler::Adapt(const Run& run, const Outcome& outcome) {
  const uint64_t limit = limit_.load(std::memory_order_relaxed);
  if (outcome.kind == Outcome::Kind::kSucceeded) full_.Succeeded();
  if (absl::IsResourceExhausted(outcome.status)) {
    // The attempts that had begun at the last halving tell of the limit before it.
    if (run.number <= halved_at_) return;
    halved_at_ = started_.load(std::memory_order_relaxed);
    limit_.store(std::max<uint64_t>(1, limit / 2), std::memory_order_relaxed);
    successes_ = 0;
    return;
  }
  // One more for each whole set of steps that compute has taken.
  if (!outcome.status.ok() || limit >= options_.max_running || ++successes_ < limit) return;
  limit_.store(limit + 1, std::memory_order_relaxed);
  successes_ = 0;
}

void Scheduler::MaintainIfDue() {
  {
    MutexLock lock(&mutex_);
    if (maintain_at_ > parts_.clock->Now()) return;
    maintain_at_ = absl::InfiniteFuture();
  }
  absl::StatusOr<Moves> moves = parts_.store->Maintain(parts_.clock->Now());
  if (moves.ok()) {
    (void)Note(*moves);
  } else {
    OnStoreError(moves.status());
  }
}

void Scheduler::GiveUpStopped() {
  absl::flat_hash_set<JobNumber> stopped;
  {
    MutexLock lock(&mutex_);
    if (stopped_jobs_.empty()) return;
    stopped.swap(stopped_jobs_);
  }
  std::vector<std::shared_ptr<StepRunner::Attempt>> cancelled;
  for (auto& [key, run] : runs_) {
    if (!stopped.contains(key.ref.job) || run.given_up) continue;
    run.given_up = true;
    cancelled.push_back(run.attempt);
  }
  for (const auto& attempt : cancelled) {
    if (attempt != nullptr) attempt->Cancel();
  }
}

bool Scheduler::StartSteps() {
  {
    MutexLock lock(&mutex_);
    if (stopping_) return false;
  }
  if (full_.Remaining() > absl::ZeroDuration()) return false;
  const absl::Duration now = parts_.clock->Monotonic();
  absl::erase_if(rests_, [now](const auto& rest) { return rest.second <= now; });
  const std::vector<QueueInfo> queues = parts_.store->Queues();
  std::vector<const QueueInfo*> able;
  for (const QueueInfo& queue : queues) {
    const bool has_room = queue.max_running == 0 || queue.running < queue.max_running;
    const bool rests = rests_.contains(queue.name);
    if (queue.ready > 0 && !queue.paused && has_room && !rests) able.push_back(&queue);
  }
  bool started = false;
  for (size_t i = 0; i < able.size(); ++i) {
    const size_t most = limit_.load(std::memory_order_relaxed);
    if (runs_.size() >= most) break;
    // Each queue gets its part of the room; what it leaves goes to those after it.
    const size_t share = std::max<size_t>(1, (most - runs_.size()) / (able.size() - i));
    const QueueInfo& queue = *able[(i + next_queue_) % able.size()];
    absl::StatusOr<std::vector<ClaimedStep>> claimed = parts_.store->Claim(queue.name, share);
    if (!claimed.ok()) {
      OnStoreError(claimed.status());
      return false;
    }
    size_t held_back = 0;
    for (const ClaimedStep& step : *claimed) held_back += Start(step) ? 0 : 1;
    if (held_back > 0) {
      const bool is_all = held_back == claimed->size() && held_back < share;
      rests_[queue.name] = now + (is_all ? kLongRest : kRest);
    }
    started = started || !claimed->empty();
  }
  ++next_queue_;
  return started;
}

bool Scheduler::Start(const ClaimedStep& step) {
  const RunKey key{step.ref, step.attempt};
  Run run = {.step = step, .begun = parts_.clock->Monotonic()};
  run.number = started_.load(std::memory_order_relaxed) + 1;
  run.attempt = parts_.runner->Start(
      step,
      [this, &run](const std::string& model) {
        run.held_back = !models_.Begin(model);
        if (!run.held_back) run.model = model;
        return !run.held_back;
      },
      [this, key](StepResult result) { OnDone(key, std::move(result)); });
  const bool has_begun = !run.held_back;
  if (has_begun) started_.fetch_add(1, std::memory_order_relaxed);
  runs_[key] = std::move(run);
  running_.store(runs_.size(), std::memory_order_relaxed);
  return has_begun;
}

void Scheduler::OnStoreError(const absl::Status& status) {
  log.Error(store_limit, "the task store cannot go on", {{"reason", status.ToString()}});
  MutexLock lock(&mutex_);
  // Maintain() opens the store again, which gives every step that runs another attempt. The
  // outcomes of the present ones will be ignored.
  maintain_at_ = std::min(maintain_at_, parts_.clock->Now() + kAfterError);
}

void Scheduler::Stop() {
  if (std::exchange(was_stopped_, true)) return;
  PeriodicThread* thread;
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
    thread = thread_.get();
  }
  if (thread != nullptr) thread->Stop();
  std::vector<std::shared_ptr<StepRunner::Attempt>> cancelled;
  for (auto& [key, run] : runs_) {
    run.given_up = true;
    cancelled.push_back(run.attempt);
  }
  for (const auto& attempt : cancelled) {
    if (attempt != nullptr) attempt->Cancel();
  }
  cancelled.clear();
  while (!runs_.empty()) {
    {
      MutexLock lock(&mutex_);
      while (ended_.empty()) has_ended_.Wait(&mutex_);
    }
    (void)CommitEnded();
  }
}

Scheduler::Stats Scheduler::stats() const {
  const auto load = [](const std::atomic<uint64_t>& figure) {
    return figure.load(std::memory_order_relaxed);
  };
  return {.running = load(running_),
          .running_limit = load(limit_),
          .started = load(started_),
          .succeeded = load(succeeded_),
          .failed = load(failed_),
          .retried = load(retried_),
          .given_up = load(given_up_),
          .rows = load(rows_),
          .remembered_rows = load(remembered_rows_)};
}

}  // namespace souvenir::gateway
