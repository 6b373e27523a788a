#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/cancellation.h"
#include "common/clock.h"
#include "common/metrics/histogram.h"
#include "common/mutex.h"
#include "common/timer_queue.h"
#include "compute-service/backends/backend.h"
#include "compute-service/pool/job.h"
#include "compute-service/pool/job_queue.h"
#include "compute-service/pool/pool_stats.h"
#include "compute-service/pool/queue_bytes.h"

namespace souvenir::compute {

// A model's instances, each with its own mutex and its own thread, and the queue in front of them.
//
// A new pool has only a queue, so that jobs can wait while their model loads. Open() gives it the
// model and Close() takes the model away. An instance is created by its thread when a job first
// needs it. If that fails, the job gets the error, and the thread tries again with a later job
// after a pause that doubles with each failure. During the pause the thread leaves jobs to the
// other instances; if no instance is ready, it takes jobs and answers them with the error at once.
//
// Owned by the repository. Thread-safe. The clock and the timers must outlive it.
class Pool {
 public:
  struct Options {
    std::string name;                              // name of the model
    int instances = 1;                             // initial number, at least 1; see Resize()
    size_t queue_limit = 1024;                     // most jobs that may wait; at least 1
    QueueBytes* queue_bytes = nullptr;             // see JobQueue::Options
    Batching batching;                             // rules by which jobs run together
    absl::Duration row_limit = absl::Seconds(10);  // longest run per row; above 0
    int nice = 0;                                  // nice value of the threads, 0 to 19
    // Pause after the first failure to create an instance. It doubles up to `longest_pause`.
    absl::Duration first_pause = absl::Seconds(1);
    absl::Duration longest_pause = absl::Minutes(1);
    // Cancels the model's starts. Stop() cancels it when its grace is over. Null means none.
    // Outlives the pool.
    Cancellation* cancellation = nullptr;
  };

  // INVALID_ARGUMENT if an option is out of range.
  static absl::StatusOr<std::unique_ptr<Pool>> Create(Options options, Clock* clock,
                                                      TimerQueue* timers);

  // Calls Stop() with no grace. Blocks until running jobs have ended.
  ~Pool();

  // See JobQueue::Push() and JobQueue::Cancel(). Cancel() does not interrupt a running job.
  absl::StatusOr<JobId> Submit(Job job) { return queue_->Push(std::move(job)); }
  bool Cancel(JobId id, absl::StatusCode why = absl::StatusCode::kCancelled) {
    return queue_->Cancel(id, why);
  }

  // Takes the model and starts the threads. Has no effect once the pool is stopped.
  // REQUIRES: the pool has no model.
  void Open(std::unique_ptr<Model> model);

  // Ends the threads after the jobs that they run, and unloads the model. Waiting jobs stay, and
  // new ones are accepted. Blocks. Has no effect if the pool has no model.
  void Close();

  // Sets the number of instances; a number below 1 means 1. Surplus instances end after the jobs
  // that they run; Resize() does not wait for them.
  void Resize(int instances);

  // Answers all waiting jobs with `status`, on the calling thread.
  void FailWaiting(const absl::Status& status) { queue_->FailWaiting(status); }

  // Refuses new jobs, waits up to `grace` for waiting and running jobs, answers those that still
  // wait with UNAVAILABLE, joins the threads (which waits for running jobs without a limit) and
  // unloads the model. Blocks. Idempotent. Must not be called by a job's `done`.
  void Stop(absl::Duration grace);

  // Returns the memory of the model in bytes, and keeps the figure for Stats(); 0 if the pool has
  // no model, or if it is unknown. May block, and may read files.
  uint64_t MeasureMemory();

  PoolActivity Activity() const;  // cheap
  PoolStats Stats() const;        // copies histograms

 private:
  // The result of a runner's last run, as far as the files of the model are concerned.
  enum class Refusal {
    kNone,        // it ran
    kNoInstance,  // no instance was made, because the files have changed
    kNoProcess,   // the instance has lost its process, and starts no other, for the same reason
  };

  // An instance, its thread, and the attempts to create it.
  struct Runner {
    Runner(size_t index, absl::Duration first_pause) : index(index), pause(first_pause) {}

    const size_t index;

    // Guarded by the pool's mutex.
    std::thread thread;
    bool serving = false;                                 // true until the thread ends
    absl::Duration run_began = absl::InfiniteDuration();  // infinite if nothing runs
    absl::Duration run_limit;                             // longest duration of the current run
    Refusal refusal = Refusal::kNone;

    Mutex mutex;  // held while the instance runs
    std::unique_ptr<Instance> instance ABSL_GUARDED_BY(mutex);
    absl::Status last_error ABSL_GUARDED_BY(mutex);  // result of the last attempt to create it
    absl::Duration pause ABSL_GUARDED_BY(mutex);     // pause after the next failure
    absl::Duration retry_at ABSL_GUARDED_BY(mutex);  // monotonic time of the next attempt
  };

  Pool(Options options, Clock* clock, std::shared_ptr<JobQueue> queue);

  // Starts a thread for each wanted runner that has none.
  void StartThreads() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Serve(Model& model, Runner& runner);
  // Destroys the runner's instance. Returns true if the runner is still not wanted, so that its
  // thread must end.
  bool Leaves(Runner& runner);
  // Joins all threads and unloads the model. REQUIRES: no thread will take a job.
  void Unload();
  // Returns the monotonic time from which `runner` may take a job.
  absl::Duration NextJobAt(Runner& runner);
  PoolActivity ActivityNow(size_t depth) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status EnsureInstance(Model& model, Runner& runner)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(runner.mutex);
  // The arguments of one call of an instance.
  struct Run {
    absl::Span<const TensorView> inputs;
    absl::Span<const std::string> outputs;
    int64_t rows;
  };

  // Runs the jobs, together if there are several, and answers them.
  void RunJobs(Model& model, Runner& runner, std::vector<JobQueue::Taken> jobs);
  // Returns false if the joined run failed. The jobs are then untouched and unanswered.
  bool RunTogether(Model& model, Runner& runner, std::vector<JobQueue::Taken>* jobs);
  void RunAlone(Model& model, Runner& runner, JobQueue::Taken taken);
  absl::StatusOr<InferenceResult> RunOnce(Model& model, Runner& runner, const Run& run);
  void Answer(JobQueue::Taken taken, absl::Duration begun, absl::StatusOr<InferenceResult> result);

  const Options options_;
  Clock* const clock_;
  const std::shared_ptr<JobQueue> queue_;
  DurationHistogram queue_seconds_;
  DurationHistogram run_seconds_;

  Mutex life_mutex_;  // serialises changes of the model and the threads; taken before mutex_

  mutable Mutex mutex_;
  CondVar ended_;                              // signalled when the thread of a runner ends
  size_t target_ ABSL_GUARDED_BY(mutex_);      // number of instances while a model is loaded
  size_t wanted_ ABSL_GUARDED_BY(mutex_) = 0;  // target_, or 0 while there is no model
  std::unique_ptr<Model> model_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<Runner>> runners_ ABSL_GUARDED_BY(mutex_);
  PoolActivity active_ ABSL_GUARDED_BY(mutex_);  // without the fields that ActivityNow() fills in
  RunStats counted_ ABSL_GUARDED_BY(mutex_);
  uint64_t lost_workers_ ABSL_GUARDED_BY(mutex_) = 0;  // lost workers of earlier models
  uint64_t memory_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t serving_ ABSL_GUARDED_BY(mutex_) = 0;  // threads that have not ended
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;

  Mutex stop_mutex_;  // serialises Stop(); taken before every other mutex
};

}  // namespace souvenir::compute
