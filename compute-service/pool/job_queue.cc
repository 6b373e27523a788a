#include "compute-service/pool/job_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace souvenir::compute {
namespace {

// Returns true if the jobs differ only in their rows.
bool CanRunTogether(const Job& a, const Job& b) {
  const auto same_kind = [](const TensorView& x, const TensorView& y) {
    return x.name == y.name && x.datatype == y.datatype && !x.shape.empty() && !y.shape.empty() &&
           x.shape.subspan(1) == y.shape.subspan(1);
  };
  return a.outputs == b.outputs &&
         std::equal(a.inputs.begin(), a.inputs.end(), b.inputs.begin(), b.inputs.end(), same_kind);
}

}  // namespace

absl::StatusOr<std::shared_ptr<JobQueue>> JobQueue::Create(Options options, Clock* clock,
                                                           TimerQueue* timers) {
  if (options.limit < 1) {
    return absl::InvalidArgumentError(
        fmt::format("model '{}': the queue limit is 0; it must be at least 1", options.name));
  }
  return std::shared_ptr<JobQueue>(new JobQueue(std::move(options), clock, timers));
}

JobQueue::JobQueue(Options options, Clock* clock, TimerQueue* timers)
    : options_(std::move(options)), clock_(clock), timers_(timers), bytes_(options_.bytes) {}

absl::StatusOr<JobId> JobQueue::Push(Job job) {
  const absl::Duration now = clock_->Monotonic();
  MutexLock lock(&mutex_);
  if (closed_) {
    return absl::UnavailableError(fmt::format("model '{}' is being stopped", options_.name));
  }
  if (job.deadline <= now) {
    ++counters_.expired;
    return absl::DeadlineExceededError(
        fmt::format("model '{}': the deadline had passed when the request arrived", options_.name));
  }
  if (entries_.size() >= options_.limit) {
    ++counters_.refused;
    return absl::ResourceExhaustedError(
        fmt::format("model '{}': the queue is full: {} requests wait, at most {} may; retry later",
                    options_.name, entries_.size(), options_.limit));
  }
  std::optional<QueueBytes::Share> share = bytes_.Take(job.bytes);
  if (!share) {
    ++counters_.refused;
    return absl::ResourceExhaustedError(fmt::format(
        "model '{}': the queue has no room for {} bytes more: the requests of all models hold {} "
        "bytes, of at most {}, and one model gets half; retry later",
        options_.name, job.bytes, options_.bytes->held(), options_.bytes->limit()));
  }
  job.share = *std::move(share);
  const JobId id = next_id_++;
  const absl::Duration deadline = job.deadline;
  const Rank rank{now + (job.priority - 1) * options_.aging, id};
  ranks_.emplace(id, rank);
  Entry& entry = entries_.emplace(rank, Entry{std::move(job), now}).first->second;
  if (deadline != absl::InfiniteDuration()) {
    // The timer may fire at once, on the timers' thread; Expire() then waits for mutex_.
    entry.timer = timers_->Schedule(deadline, [weak = weak_from_this(), id] {
      if (const std::shared_ptr<JobQueue> queue = weak.lock()) queue->Expire(id);
    });
  }
  if (!idle_.empty()) {
    Waiter* const waiter = idle_.back();
    idle_.pop_back();
    waiter->signalled = true;
    waiter->woken.NotifyOne();  // under the lock, since the waiter is on its thread's stack
  }
  return id;
}

JobQueue::Node JobQueue::Extract(JobId id) {
  const auto found = ranks_.find(id);
  if (found == ranks_.end()) return {};
  Node node = entries_.extract(found->second);
  ranks_.erase(found);
  return node;
}

JobQueue::Node JobQueue::ExtractFirst() {
  Node node = entries_.extract(entries_.begin());
  ranks_.erase(node.key().second);
  return node;
}

bool JobQueue::Cancel(JobId id, absl::StatusCode why) {
  const bool expired = why == absl::StatusCode::kDeadlineExceeded;
  Node node;
  {
    MutexLock lock(&mutex_);
    node = Extract(id);
    if (node.empty()) return false;
    ++(expired ? counters_.expired : counters_.cancelled);
  }
  Entry& entry = node.mapped();
  if (entry.timer != 0) timers_->Cancel(entry.timer);
  std::move(entry.job.done)(
      expired ? ExpiredStatus(entry)
              : absl::CancelledError(fmt::format(
                    "model '{}': the request was cancelled before it ran", options_.name)));
  return true;
}

void JobQueue::Expire(JobId id) {
  Node node;
  {
    MutexLock lock(&mutex_);
    node = Extract(id);
    if (node.empty()) return;
    ++counters_.expired;
  }
  std::move(node.mapped().job.done)(ExpiredStatus(node.mapped()));
}

absl::Status JobQueue::ExpiredStatus(const Entry& entry) const {
  return absl::DeadlineExceededError(
      fmt::format("model '{}': the deadline passed after {} ms in the queue", options_.name,
                  absl::ToInt64Milliseconds(clock_->Monotonic() - entry.queued_at)));
}

std::optional<std::vector<JobQueue::Taken>> JobQueue::Take(size_t taker,
                                                           absl::Duration not_before) {
  for (;;) {
    std::vector<Node> taken;
    std::vector<Node> expired;
    if (!WaitAndTake(taker, not_before, &taken, &expired)) {
      MutexLock lock(&mutex_);
      if (closed_) return std::nullopt;
      return std::vector<Taken>();
    }
    for (std::vector<Node>* nodes : {&taken, &expired}) {
      for (Node& node : *nodes) {
        if (node.mapped().timer != 0) timers_->Cancel(node.mapped().timer);
      }
    }
    for (Node& node : expired) std::move(node.mapped().job.done)(ExpiredStatus(node.mapped()));
    if (taken.empty() && !expired.empty()) continue;
    std::vector<Taken> jobs;
    jobs.reserve(taken.size());
    for (Node& node : taken) {
      jobs.push_back({std::move(node.mapped().job), node.mapped().queued_at});
    }
    return jobs;
  }
}

bool JobQueue::WaitAndTake(size_t taker, absl::Duration not_before, std::vector<Node>* taken,
                           std::vector<Node>* expired) {
  MutexLock lock(&mutex_);
  for (;;) {
    if (closed_ ? entries_.empty() : taker >= takers_) return false;
    const absl::Duration now = clock_->Monotonic();
    const bool may_take = now >= not_before || closed_;
    // Timers may fire late, so deadlines are checked here too: an expired job never runs.
    while (may_take && !entries_.empty() && entries_.begin()->second.job.deadline <= now) {
      ++counters_.expired;
      expired->push_back(ExtractFirst());
    }
    if (!expired->empty()) return true;
    if (may_take && !entries_.empty()) {
      const Front front = LookAtFront();
      if (front.ready_at <= now || closed_) {
        for (size_t i = 0; i < front.jobs; ++i) {
          const bool is_expired = entries_.begin()->second.job.deadline <= now;
          if (is_expired) ++counters_.expired;
          (is_expired ? expired : taken)->push_back(ExtractFirst());
        }
        return true;
      }
      WakeAt(front.ready_at);
    } else if (!may_take) {
      WakeAt(not_before);
    }
    if (closed_) continue;
    Waiter waiter;
    // Push() wakes from the back. A taker that may not take yet goes to the front.
    idle_.insert(may_take ? idle_.end() : idle_.begin(), &waiter);
    while (!waiter.signalled) waiter.woken.Wait(&mutex_);
  }
}

JobQueue::Front JobQueue::LookAtFront() const {
  const Batching& batching = options_.batching;
  const auto first = entries_.begin();
  if (batching.most_rows == 0) return {.jobs = 1, .ready_at = first->second.queued_at};
  Front all{.jobs = 0, .ready_at = absl::InfiniteDuration()};
  Front preferred;
  int64_t rows = 0;
  absl::Duration oldest = absl::InfiniteDuration();
  auto it = first;
  for (; it != entries_.end(); ++it) {
    const Job& job = it->second.job;
    if (it != first && rows + job.rows > batching.most_rows) break;
    if (!CanRunTogether(first->second.job, job)) break;
    ++all.jobs;
    rows += job.rows;
    oldest = std::min(oldest, it->second.queued_at);
    if (std::binary_search(batching.preferred_rows.begin(), batching.preferred_rows.end(), rows)) {
      preferred = {.jobs = all.jobs, .ready_at = oldest};
    }
  }
  if (preferred.jobs > 0) return preferred;
  // Waiting gains nothing if the batch is full or the next job cannot join it.
  const bool full = it != entries_.end() || rows >= batching.most_rows;
  all.ready_at = full ? oldest : oldest + batching.max_delay;
  return all;
}

void JobQueue::WakeAt(absl::Duration time) {
  if (next_wake_ <= time) return;  // takers that wake earlier call this again
  next_wake_ = time;
  timers_->Schedule(time, [weak = weak_from_this()] {
    if (const std::shared_ptr<JobQueue> queue = weak.lock()) {
      MutexLock lock(&queue->mutex_);
      queue->next_wake_ = absl::InfiniteDuration();
      queue->WakeAll();
    }
  });
}

void JobQueue::SetTakers(size_t count) {
  MutexLock lock(&mutex_);
  takers_ = count;
  WakeAll();
}

void JobQueue::Close() {
  MutexLock lock(&mutex_);
  closed_ = true;
  WakeAll();
}

void JobQueue::WakeAll() {
  for (Waiter* waiter : idle_) {
    waiter->signalled = true;
    waiter->woken.NotifyOne();
  }
  idle_.clear();
}

void JobQueue::FailWaiting(const absl::Status& status) {
  Entries failed;
  {
    MutexLock lock(&mutex_);
    failed.swap(entries_);
    ranks_.clear();
  }
  for (auto& [rank, entry] : failed) {
    if (entry.timer != 0) timers_->Cancel(entry.timer);
    std::move(entry.job.done)(status);
  }
}

JobQueue::Counters JobQueue::counters() const {
  MutexLock lock(&mutex_);
  Counters counters = counters_;
  counters.depth = entries_.size();
  return counters;
}

}  // namespace souvenir::compute
