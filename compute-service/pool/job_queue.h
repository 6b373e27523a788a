#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/timer_queue.h"
#include "compute-service/pool/job.h"

namespace souvenir::compute {

// Which jobs an instance is given at once.
struct Batching {
  int64_t most_rows = 0;  // of them together; 0: each job by itself
  // A job is held back for so long, while instances are idle, for others to join it; zero: never.
  absl::Duration max_delay = absl::ZeroDuration();
  // Rows at which jobs are held back no longer, ascending; none: `most_rows` alone.
  std::vector<int64_t> preferred_rows;
};

// The bounded queue in front of a model's instances: the most urgent job first, of those the first
// that came. Jobs that may be joined leave it together, where the model batches.
//
// A job leaves it by being taken, by expiring (also while nobody takes jobs), by being cancelled,
// or by being answered with an error for all. Owned by its pool, and shared with the timers of its
// jobs, which may fire late. Thread-safe. The clock and the timers must outlive it.
class JobQueue final : public std::enable_shared_from_this<JobQueue> {
 public:
  struct Options {
    std::string name;     // of the model, for messages
    size_t limit = 1024;  // jobs waiting; at least 1
    // By how much one level of priority makes a job seem to have come earlier. So a job is
    // overtaken only by those that came within a few of these after it, and none waits for ever.
    absl::Duration aging = absl::Seconds(1);
    Batching batching;
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

  // Waits for a job, and takes those with it that may run together: their inputs differ in nothing
  // but the first dimension and the bytes, and the same outputs are asked for. Takes none before
  // `not_before` on the monotonic clock. Nothing once the queue is closed and empty. Of several
  // threads that wait, the one that came last is served first: its instance is the warmest, and one
  // that was never needed is never made. Empty, but not nothing, where `taker` is not wanted.
  std::optional<std::vector<Taken>> Take(size_t taker, absl::Duration not_before);

  // From now on only takers with a number below `count` are given jobs; until the queue is closed.
  void SetTakers(size_t count);

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
  // When a job seems to have come, and its id: the order in which jobs are taken.
  using Rank = std::pair<absl::Duration, JobId>;
  using Entries = std::map<Rank, Entry>;
  using Node = Entries::node_type;

  // The jobs at the front that an instance would be given.
  struct Front {
    size_t jobs = 0;
    absl::Duration ready_at;  // when they are to be held back no longer
  };

  JobQueue(Options options, Clock* clock, TimerQueue* timers);

  void Expire(JobId id);
  Node Extract(JobId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Node ExtractFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Waits until jobs can be taken, and takes them, or until expired ones are to be answered. False
  // where the taker is to leave instead.
  bool WaitAndTake(size_t taker, absl::Duration not_before, std::vector<Node>* taken,
                   std::vector<Node>* expired);
  Front LookAtFront() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeAt(absl::Duration time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ExpiredStatus(const Entry& entry) const;

  const Options options_;
  Clock* const clock_;
  TimerQueue* const timers_;

  mutable Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<JobId, Rank> ranks_ ABSL_GUARDED_BY(mutex_);  // of entries_
  std::vector<Waiter*> idle_ ABSL_GUARDED_BY(mutex_);  // the last one is the next to be woken
  absl::Duration next_wake_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  JobId next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  size_t takers_ ABSL_GUARDED_BY(mutex_) = std::numeric_limits<size_t>::max();
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  Counters counters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::compute
