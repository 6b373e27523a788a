#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/tasks/job_watchers.h"
#include "gateway/tasks/resolving_runner.h"
#include "gateway/tasks/scheduler.h"
#include "gateway/tasks/submission.h"
#include "gateway/tasks/task_store.h"

namespace souvenir::gateway {

// Jobs, whole: the store, the scheduler that runs their steps on the cached path, and those who
// watch. Every change of the store by a caller goes through here, so that the scheduler and the
// watchers hear of it.
//
// Owned by the gateway; all that its Parts point to must outlive it. Thread-safe. Functions that
// return a status may wait for the disk.
class TaskEngine {
 public:
  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    Submission::Limits submission;
    Scheduler::Options scheduler;
    ResolvingRunner::Options runner;
  };
  struct Parts {
    Clock* clock;
    const Catalog* catalog;
    Resolver* resolver;
  };

  // Begins to run what is ready in `store`.
  TaskEngine(const Options& options, const Parts& parts, std::unique_ptr<TaskStore> store);
  // Calls Stop().
  ~TaskEngine();

  // Gives up what runs, which will be ready again when the store is opened next, and runs nothing
  // more. Changes are still taken. Idempotent.
  void Stop() { scheduler_.Stop(); }

  // Returns a submission, which must not outlive this. After its Seal(), call Accept().
  std::unique_ptr<Submission> NewSubmission();
  // Lets the scheduler know of a job that was accepted.
  void Accept(const TaskStore::Sealed& sealed) { scheduler_.OnMoves(sealed.moves); }

  // Returns the job that callers of `tenant` know by `name`. NOT_FOUND if there is none.
  absl::StatusOr<JobInfo> FindJob(std::string_view name, std::string_view tenant) const;

  // See TaskStore. They return the job as it is afterwards.
  absl::StatusOr<JobInfo> Cancel(JobNumber job);
  // Runs again what has not succeeded.
  absl::StatusOr<JobInfo> Retry(JobNumber job);
  // Runs dead letters again: those with these ids, or all if `steps` is empty; with `parameters` in
  // place of their own.
  absl::StatusOr<JobInfo> Requeue(JobNumber job, const std::vector<std::string>& steps,
                                  const std::vector<Parameter>& parameters);

  absl::StatusOr<QueueInfo> PauseQueue(const std::string& name, bool paused);
  absl::StatusOr<QueueInfo> LimitQueue(const std::string& name, uint32_t max_running);

  const TaskStore& store() const { return *store_; }
  // Returns the number of jobs that are being submitted.
  size_t open_submissions() const { return open_submissions_.load(std::memory_order_relaxed); }
  JobWatchers* watchers() { return &watchers_; }
  Scheduler::Stats scheduler_stats() const { return scheduler_.stats(); }
  const DurationHistogram& run_times() const { return scheduler_.run_times(); }

 private:
  absl::StatusOr<QueueInfo> ChangeQueue(const std::string& name,
                                        const TaskStore::QueueChange& change, bool create);

  const Options options_;
  const Parts parts_;
  const std::unique_ptr<TaskStore> store_;
  std::atomic<size_t> open_submissions_{0};
  JobWatchers watchers_;
  ResolvingRunner runner_;
  Scheduler scheduler_;  // its thread uses the members above
};

}  // namespace souvenir::gateway
