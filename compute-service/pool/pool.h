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
// the model, and Close() takes it away again. An instance is made by its thread when the first job
// needs it. Where that fails, the job gets the error; the thread then tries again with a later job,
// after a pause that doubles, and leaves jobs to the other instances meanwhile; where there is no
// other, jobs get the error at once.
//
// Owned by the repository. Thread-safe. The clock and the timers must outlive it.
class Pool {
 public:
  struct Options {
    std::string name;                               // of the model
    int instances = 1;                              // at least 1; to begin with, see Resize()
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

  // Starts the threads. REQUIRES: no model is there. Without effect once the pool is stopped.
  void Open(std::unique_ptr<Model> model);

  // Ends the threads when what they run has ended, and unloads the model; jobs may still come, and
  // wait. Blocks. Without effect where there is no model.
  void Close();

  // From now on so many instances, at least 1. Those that are too many end when what they run has
  // ended; returns at once.
  void Resize(int instances);

  // Answers all that wait with `status`.
  void FailWaiting(const absl::Status& status) { queue_->FailWaiting(status); }

  // Refuses new jobs, gives those that wait or run `grace` to end, answers those that still wait
  // with UNAVAILABLE, joins the threads and unloads the model. Blocks; idempotent. Not to be called
  // by a job's `done`.
  void Stop(absl::Duration grace);

  // Asks the model what memory it takes, for Stats() too; 0 where there is no model. May read
  // files.
  uint64_t MeasureMemory();

  PoolActivity Activity() const;  // cheap
  PoolStats Stats() const;        // copies histograms

 private:
  // One instance, what makes it, and its thread.
  struct Slot {
    Slot(size_t index, absl::Duration first_pause) : index(index), pause(first_pause) {}

    const size_t index;

    // Guarded by the pool's mutex.
    std::thread thread;
    bool serving = false;                                 // the thread has not ended
    absl::Duration run_began = absl::InfiniteDuration();  // infinite: nothing runs
    absl::Duration run_limit;                             // of what runs

    Mutex mutex;  // held while the instance runs
    std::unique_ptr<Instance> instance ABSL_GUARDED_BY(mutex);
    absl::Status last_error ABSL_GUARDED_BY(mutex);  // of the last attempt to make it
    absl::Duration pause ABSL_GUARDED_BY(mutex);     // before the next but one attempt
    absl::Duration retry_at ABSL_GUARDED_BY(mutex);  // on the monotonic clock
  };

  Pool(Options options, Clock* clock, std::shared_ptr<JobQueue> queue);

  // Starts a thread for each slot that is wanted and has none.
  void StartThreads() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Serve(Model& model, Slot& slot);
  // Whether the thread is to end, with its instance, because so many are not wanted.
  bool Leaves(Slot& slot);
  // Joins all threads and unloads the model. REQUIRES: none of them will take a job.
  void Unload();
  // When `slot` may take its next job.
  absl::Duration NextJobAt(Slot& slot);
  PoolActivity ActivityNow(size_t depth) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
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

  Mutex life_mutex_;  // one Open(), Close(), Resize() or end of Stop() after the other

  mutable Mutex mutex_;
  CondVar ended_;                              // a thread of an instance has ended
  size_t target_ ABSL_GUARDED_BY(mutex_);      // instances
  size_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;  // as target_, but 0 while there is no model
  std::unique_ptr<Model> model_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Slot>> slots_ ABSL_GUARDED_BY(mutex_);
  PoolActivity active_ ABSL_GUARDED_BY(mutex_);  // but for what Activity() finds out
  RunStats counted_ ABSL_GUARDED_BY(mutex_);
  uint64_t lost_workers_ ABSL_GUARDED_BY(mutex_) = 0;  // of earlier models
  uint64_t memory_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t serving_ ABSL_GUARDED_BY(mutex_) = 0;  // threads that take jobs
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;

  Mutex stop_mutex_;  // one Stop() after the other
};

}  // namespace souvenir::compute
