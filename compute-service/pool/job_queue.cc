#include "compute-service/pool/job_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace souvenir::compute {

absl::StatusOr<std::shared_ptr<JobQueue>> JobQueue::Create(Options options, Clock* clock,
                                                           TimerQueue* timers) {
  if (options.limit < 1) {
    return absl::InvalidArgumentError(
        fmt::format("model '{}': a queue of 0 requests; at least 1 is needed", options.name));
  }
  return std::shared_ptr<JobQueue>(new JobQueue(std::move(options), clock, timers));
}

JobQueue::JobQueue(Options options, Clock* clock, TimerQueue* timers)
    : options_(std::move(options)), clock_(clock), timers_(timers) {}

absl::StatusOr<JobId> JobQueue::Push(Job job) {
  const absl::Duration now = clock_->Monotonic();
  MutexLock lock(&mutex_);
  if (closed_) {
    return absl::UnavailableError(fmt::format("model '{}' is being stopped", options_.name));
  }
  if (job.deadline <= now) {
    ++counters_.expired;
    return absl::DeadlineExceededError(
        fmt::format("model '{}': the deadline had passed when the request came", options_.name));
  }
  if (entries_.size() >= options_.limit) {
    ++counters_.refused;
    return absl::ResourceExhaustedError(
        fmt::format("model '{}': {} requests wait already, of at most {}; try again later",
                    options_.name, entries_.size(), options_.limit));
  }
  const JobId id = next_id_++;
  const absl::Duration deadline = job.deadline;
  Entry& entry = entries_.emplace(id, Entry{std::move(job), now}).first->second;
  if (deadline != absl::InfiniteDuration()) {
    // The timer may fire at once, on its own thread: it then waits for the lock.
    entry.timer = timers_->Schedule(deadline, [weak = weak_from_this(), id] {
      if (const std::shared_ptr<JobQueue> queue = weak.lock()) queue->Expire(id);
    });
  }
  if (!idle_.empty()) {
    Waiter* const waiter = idle_.back();
    idle_.pop_back();
    waiter->signalled = true;
    waiter->woken.NotifyOne();  // under the lock: the waiter lives on the stack of its thread
  }
  return id;
}

bool JobQueue::Cancel(JobId id) {
  std::map<JobId, Entry>::node_type node;
  {
    MutexLock lock(&mutex_);
    node = entries_.extract(id);
    if (node.empty()) return false;
    ++counters_.cancelled;
  }
  Entry& entry = node.mapped();
  if (entry.timer != 0) timers_->Cancel(entry.timer);
  std::move(entry.job.done)(absl::CancelledError(
      fmt::format("model '{}': the request was cancelled before it ran", options_.name)));
  return true;
}

void JobQueue::Expire(JobId id) {
  std::map<JobId, Entry>::node_type node;
  {
    MutexLock lock(&mutex_);
    node = entries_.extract(id);
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

std::optional<JobQueue::Taken> JobQueue::Take(absl::Duration not_before) {
  if (not_before > clock_->Monotonic()) {
    timers_->Schedule(not_before, [weak = weak_from_this()] {
      if (const std::shared_ptr<JobQueue> queue = weak.lock()) {
        MutexLock lock(&queue->mutex_);
        queue->WakeAll();
      }
    });
  }
  for (;;) {
    std::map<JobId, Entry>::node_type node;
    bool expired = false;
    {
      MutexLock lock(&mutex_);
      for (;;) {
        const absl::Duration now = clock_->Monotonic();
        if (!entries_.empty() && (now >= not_before || closed_)) {
          node = entries_.extract(entries_.begin());
          // Its timer may be late: what has expired never runs.
          expired = node.mapped().job.deadline <= now;
          if (expired) ++counters_.expired;
          break;
        }
        if (closed_) return std::nullopt;
        Waiter waiter;
        // One that may not take anything yet is woken last.
        idle_.insert(now >= not_before ? idle_.end() : idle_.begin(), &waiter);
        while (!waiter.signalled) waiter.woken.Wait(&mutex_);
      }
    }
    Entry& entry = node.mapped();
    if (entry.timer != 0) timers_->Cancel(entry.timer);
    if (!expired) return Taken{std::move(entry.job), entry.queued_at};
    std::move(entry.job.done)(ExpiredStatus(entry));
  }
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
  std::map<JobId, Entry> failed;
  {
    MutexLock lock(&mutex_);
    failed.swap(entries_);
  }
  for (auto& [id, entry] : failed) {
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
