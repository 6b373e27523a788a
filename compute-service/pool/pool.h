#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/metrics/histogram.h"
#include "common/mutex.h"
#include "common/timer_queue.h"
#include "compute-service/backends/backend.h"
#include "compute-service/pool/job.h"
#include "compute-service/pool/job_queue.h"
#include "compute-service/pool/pool_stats.h"

namespace souvenir::compute {

// A model's instances, each with its own mutex and its own thread, and the queue in front of them.
//
// A pool begins with a queue only, so that jobs can wait while their model loads; Open() gives it
// the model. An instance is made by its thread when the first job needs it. Where that fails, the
// job gets the error; the thread then tries again with a later job, after a pause that doubles, and
// leaves jobs to the other instances meanwhile; where there is no other, jobs get the error at
// once.
//
// Owned by the repository. Thread-safe. The clock and the timers must outlive it.
class Pool {
 public:
  struct Options {
    std::string name;                               // of the model
    int instances = 1;                              // at least 1
    size_t queue_limit = 1024;                      // jobs waiting; at least 1
    Batching batching;                              // which jobs run together
    absl::Duration row_limit = absl::Seconds(10);   // longest run for one row; above 0
    int nice = 0;                                   // of the threads, 0 to 19
    absl::Duration first_pause = absl::Seconds(1);  // after an instance could not be made
    absl::Duration longest_pause = absl::Minutes(1);
  };

  static absl::StatusOr<std::unique_ptr<Pool>> Create(Options options, Clock* clock,
                                                      TimerQueue* timers);

  // As Stop() without waiting for jobs that have not begun.
  ~Pool();

  // As JobQueue::Push and JobQueue::Cancel. A job that runs is not interrupted.
  absl::StatusOr<JobId> Submit(Job job) { return queue_->Push(std::move(job)); }
  bool Cancel(JobId id) { return queue_->Cancel(id); }

  // Starts the threads. Called at most once; without effect once the pool is stopped.
  void Open(std::unique_ptr<Model> model);

  // Answers all that wait with `status`.
  void FailWaiting(const absl::Status& status) { queue_->FailWaiting(status); }

  // Refuses new jobs, gives those that wait or run `grace` to end, answers those that still wait
  // with UNAVAILABLE, joins the threads and unloads the model. Blocks; idempotent. Not to be called
  // by a job's `done`.
  void Stop(absl::Duration grace);

  PoolStats Stats() const;

 private:
  // One instance and what makes it.
  struct Slot {
    explicit Slot(absl::Duration first_pause) : pause(first_pause) {}

    Mutex mutex;  // held while the instance runs
    std::unique_ptr<Instance> instance ABSL_GUARDED_BY(mutex);
    absl::Status last_error ABSL_GUARDED_BY(mutex);  // of the last attempt to make it
    absl::Duration pause ABSL_GUARDED_BY(mutex);     // before the next but one attempt
    absl::Duration retry_at ABSL_GUARDED_BY(mutex);  // on the monotonic clock
  };

  Pool(Options options, Clock* clock, std::shared_ptr<JobQueue> queue);

  void Serve(Model& model, Slot& slot);
  // When `slot` may take its next job.
  absl::Duration NextJobAt(Slot& slot);
  absl::Status EnsureInstance(Model& model, Slot& slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(slot.mutex);
  // What runs in one call of an instance.
  struct Run {
    absl::Span<const TensorView> inputs;
    absl::Span<const std::string> outputs;
    int64_t rows;
  };

  // Runs the jobs, together where there are several, and answers them.
  void RunJobs(Model& model, Slot& slot, std::vector<JobQueue::Taken> jobs);
  // False where that failed: the jobs are left as they are.
  bool RunTogether(Model& model, Slot& slot, std::vector<JobQueue::Taken>* jobs);
  void RunAlone(Model& model, Slot& slot, JobQueue::Taken taken);
  absl::StatusOr<InferenceResult> RunOnce(Model& model, Slot& slot, const Run& run);
  void Answer(JobQueue::Taken taken, absl::Duration begun, absl::StatusOr<InferenceResult> result);

  const Options options_;
  Clock* const clock_;
  const std::shared_ptr<JobQueue> queue_;
  DurationHistogram queue_seconds_;
  DurationHistogram run_seconds_;

  mutable Mutex mutex_;
  CondVar ended_;  // a thread of an instance has ended
  std::unique_ptr<Model> model_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Slot>> slots_ ABSL_GUARDED_BY(mutex_);
  RunStats counted_ ABSL_GUARDED_BY(mutex_);
  size_t serving_ ABSL_GUARDED_BY(mutex_) = 0;  // threads that take jobs
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;

  Mutex stop_mutex_;  // one Stop() after the other
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::compute
