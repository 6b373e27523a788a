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
#include "compute-service/pool/queue_bytes.h"

namespace souvenir::compute {

// Rules by which an instance gets several jobs at once.
struct Batching {
  int64_t most_rows = 0;  // most rows of jobs that run together; 0 if each job runs alone
  // Longest time for which jobs are held back, while instances are idle, so that others can join
  // them; zero for no delay.
  absl::Duration max_delay = absl::ZeroDuration();
  // Numbers of rows, ascending, at which jobs are not held back any longer; `most_rows` is always
  // one of them.
  std::vector<int64_t> preferred_rows;
};

// The bounded queue in front of a model's instances. The most urgent job leaves first; jobs of
// equal priority leave in the order of their arrival. If the model batches, jobs that can run
// together leave together.
//
// A job leaves the queue when it is taken, expires (even if nobody takes jobs), is cancelled, or is
// failed by FailWaiting().
//
// Owned by its pool, and shared with the timers of its jobs, which may fire late. Thread-safe. The
// clock and the timers must outlive it.
class JobQueue final : public std::enable_shared_from_this<JobQueue> {
 public:
  struct Options {
    std::string name;     // name of the model, for messages
    size_t limit = 1024;  // most jobs that may wait; at least 1
    // Bounds the bytes of jobs until they are answered; outlives the queue. Null: no bound.
    QueueBytes* bytes = nullptr;
    // A job is ordered as if it had arrived this much earlier for each level by which it is more
    // urgent. A job can therefore be overtaken only by jobs that arrive within (kPriorityLevels -
    // 1) times this duration after it, and never starves.
    absl::Duration aging = absl::Seconds(1);
    Batching batching;
  };

  struct Taken {
    Job job;
    absl::Duration queued_at;  // monotonic time of its arrival
  };

  struct Counters {
    size_t depth = 0;        // jobs that wait now
    uint64_t refused = 0;    // jobs refused because there was no room
    uint64_t expired = 0;    // jobs answered with DEADLINE_EXCEEDED
    uint64_t cancelled = 0;  // jobs answered with CANCELLED
  };

  // INVALID_ARGUMENT if an option is out of range.
  static absl::StatusOr<std::shared_ptr<JobQueue>> Create(Options options, Clock* clock,
                                                          TimerQueue* timers);

  // Adds a job and returns its id. Never blocks. On error `done` is not called. Errors:
  // RESOURCE_EXHAUSTED if the queue is full or QueueBytes has no room, DEADLINE_EXCEEDED if the
  // job's deadline has passed, UNAVAILABLE once the queue is closed.
  absl::StatusOr<JobId> Push(Job job);

  // Answers a waiting job on the calling thread: with CANCELLED, or with DEADLINE_EXCEEDED if that
  // is `why` its caller has gone. Returns false if the job has already left the queue.
  bool Cancel(JobId id, absl::StatusCode why = absl::StatusCode::kCancelled);

  // Waits for a job, and takes it together with the jobs that can run with it: those that ask for
  // the same outputs and whose inputs differ only in the first dimension and the bytes. Takes no
  // job before the monotonic time `not_before`, unless the queue is closed.
  //
  // Returns an empty vector if the taker with the number `taker` is not wanted (SetTakers()), and
  // nullopt once the queue is closed and empty. If several threads wait, the one that came last is
  // served first: its instance is the warmest, and an instance that is never needed is never
  // created.
  std::optional<std::vector<Taken>> Take(size_t taker, absl::Duration not_before);

  // Lets only takers with numbers below `count` take jobs. A closed queue ignores the limit.
  void SetTakers(size_t count);

  // Refuses new jobs. Waiting jobs can still be taken. Idempotent.
  void Close();

  // Answers all waiting jobs with `status`, on the calling thread.
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
    TimerQueue::Id timer = 0;  // 0 if the job has no deadline
  };
  // A job's arrival, shifted by its priority (Options::aging), and its id. Jobs are taken in this
  // order.
  using Rank = std::pair<absl::Duration, JobId>;
  using Entries = std::map<Rank, Entry>;
  using Node = Entries::node_type;

  // The jobs at the front that an instance would be given.
  struct Front {
    size_t jobs = 0;
    absl::Duration ready_at;  // end of the time for which they are held back
  };

  JobQueue(Options options, Clock* clock, TimerQueue* timers);

  void Expire(JobId id);
  Node Extract(JobId id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Node ExtractFirst() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Waits until there are jobs to take or expired jobs to answer, and moves them to `taken` and
  // `expired`. Returns false if the taker is not wanted, or the queue is closed and empty.
  bool WaitAndTake(size_t taker, absl::Duration not_before, std::vector<Node>* taken,
                   std::vector<Node>* expired);
  Front LookAtFront() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeAt(absl::Duration time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WakeAll() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ExpiredStatus(const Entry& entry) const;

  const Options options_;
  Clock* const clock_;
  TimerQueue* const timers_;
  QueueBytes::Part bytes_;

  mutable Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<JobId, Rank> ranks_ ABSL_GUARDED_BY(mutex_);  // keys of entries_ by id
  std::vector<Waiter*> idle_ ABSL_GUARDED_BY(mutex_);               // woken from the back
  absl::Duration next_wake_ ABSL_GUARDED_BY(mutex_) = absl::InfiniteDuration();
  JobId next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  size_t takers_ ABSL_GUARDED_BY(mutex_) = std::numeric_limits<size_t>::max();  // SetTakers()
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  Counters counters_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::compute
