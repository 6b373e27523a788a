#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/timer_queue.h"
#include "compute-service/pool/job.h"

namespace souvenir::compute {

// The bounded queue in front of a model's instances, first come first served.
//
// A job leaves it by being taken, by expiring (also while nobody takes jobs), by being cancelled,
// or by being answered with an error for all. Owned by its pool, and shared with the timers of its
// jobs, which may fire late. Thread-safe. The clock and the timers must outlive it.
class JobQueue final : public std::enable_shared_from_this<JobQueue> {
 public:
  struct Options {
    std::string name;     // of the model, for messages
    size_t limit = 1024;  // jobs waiting; at least 1
  };

  // A job with the moment it came, on the monotonic clock.
  struct Taken {
    Job job;
    absl::Duration queued_at;
  };

  struct Counters {
    size_t depth = 0;        // jobs that wait now
    uint64_t refused = 0;    // for the limit
    uint64_t expired = 0;    // answered DEADLINE_EXCEEDED
    uint64_t cancelled = 0;  // answered CANCELLED
  };

  static absl::StatusOr<std::shared_ptr<JobQueue>> Create(Options options, Clock* clock,
                                                          TimerQueue* timers);

  // Never blocks. RESOURCE_EXHAUSTED, with the length and the limit, where the queue is full;
  // DEADLINE_EXCEEDED where the job came too late; UNAVAILABLE once the queue is closed. After an
  // error `done` is not called.
  absl::StatusOr<JobId> Push(Job job);

  // Answers a job that still waits with CANCELLED, on the calling thread; false where it has left.
  bool Cancel(JobId id);

  // Waits for a job, but takes none before `not_before` on the monotonic clock. Nothing once the
  // queue is closed and empty. Of several threads that wait, the one that came last is served
  // first: its instance is the warmest, and one that was never needed is never made.
  std::optional<Taken> Take(absl::Duration not_before = absl::ZeroDuration());

  // Refuses new jobs; those that wait can still be taken. Idempotent.
  void Close();

  // Answers all that wait with `status`, on the calling thread.
  void FailWaiting(const absl::Status& status);

  Counters counters() const;

 private:
  // A thread inside Take().
  struct Waiter {
    CondVar woken;
    bool signalled = false;
  };
  struct Entry {
    Job job;
    absl::Duration queued_at;
    TimerQueue::Id timer = 0;  // 0: no deadline
  };

  JobQueue(Options options, Clock* clock, TimerQueue* timers);

  void Expire(JobId id);
  void WakeAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ExpiredStatus(const Entry& entry) const;

  const Options options_;
  Clock* const clock_;
  TimerQueue* const timers_;

  mutable Mutex mutex_;
  // In the order of coming, which is that of ids.
  std::map<JobId, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::vector<Waiter*> idle_ ABSL_GUARDED_BY(mutex_);  // the last one is the next to be woken
  JobId next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  Counters counters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::compute
