#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/tasks/job_graph.h"
#include "gateway/tasks/task_types.h"

namespace souvenir::gateway {

// Keeps jobs, and counts what their steps wait for. It decides nothing: a graph comes checked, an
// attempt ends with the outcome that the scheduler says, and a change comes back as a value.
//
//   JobNumber job = store->Begin(options, now)->job;       // no job before Seal()
//   store->Append(job, steps, blobs);                      // any number of times
//   store->Seal(job, graph, {}, now);                        // accepted: it survives any crash
//   std::vector<ClaimedStep> steps = *store->Claim("default", 10);
//   Moves moves = *store->Commit({outcome}, now);          // the step has ended, others are ready
//
// What it promises, whatever crashes when:
//   - A job whose Seal() has returned OK is kept until it has ended and expired.
//   - A step ends in exactly one state. Its end, the counts of the steps that need it and its event
//     are one change. So a step that needs many others becomes ready once.
//   - An outcome counts once, and only for the attempt that the step is in: one that comes twice,
//     or late, changes nothing.
//   - What survives a crash of the machine is what each function says. A kill of the process loses
//     nothing that has returned.
//   - After a restart, a step that was running is ready for another attempt. One that was to blame
//     for Options::max_lost_attempts ends of the process in a row is a dead letter: it ran alone,
//     or as the only suspect. A step that was running at two ends is a suspect, and suspects run
//     one at a time.
//
// All functions may wait for a disk or a network, so they are called on threads that may, unless
// they say that they do not. Changes that wait at the same time are synced together. Thread-safe.
//
// Errors of all functions: NOT_FOUND for an unknown job or step; RESOURCE_EXHAUSTED if the disk is
// full; UNAVAILABLE if the store fails. After an error nothing has changed. A store that fails
// opens itself again, and steps that were running are ready for another attempt then. A record that
// cannot be read ends its step or its job with DATA_LOSS, and nothing else.
class TaskStore {
 public:
  virtual ~TaskStore() = default;

  // Returns the name of a job for callers. It is unique among all stores.
  virtual std::string NameOf(JobNumber job) const = 0;
  // Returns nullopt if it is no name of this store.
  virtual std::optional<JobNumber> NumberOf(std::string_view name) const = 0;

  // ---- Submission
  // --------------------------------------------------------------------------------

  struct Begun {
    JobNumber job = 0;
    bool already_submitted = false;  // a job with the idempotency key was there: `job`
  };
  // Begins a job. ALREADY_EXISTS if a job with its uniqueness key has not ended.
  virtual absl::StatusOr<Begun> Begin(const JobOptions& options, absl::Time now) = 0;
  // Adds steps. RESOURCE_EXHAUSTED if the store has no room for them.
  virtual absl::Status Append(JobNumber job, std::vector<NewStep> steps,
                              std::vector<Blob> blobs) = 0;

  // Steps with a part of their own.
  struct SpecialSteps {
    std::optional<uint32_t> failure_step;  // runs last, if another step failed
    std::optional<uint32_t> result_step;
  };
  struct Sealed {
    Begun begun;
    Moves moves;
  };
  // Accepts a job, with the graph of the steps that were added, in this order. It is synced when
  // this returns. Another job with one of its keys may have been faster: see Begin(). After an
  // error the job must be dropped with Abandon().
  virtual absl::StatusOr<Sealed> Seal(JobNumber job, const JobGraph& graph,
                                      const SpecialSteps& special, absl::Time now) = 0;
  // Drops a job that was not sealed, soon. Does not wait. The job also goes if the process ends.
  virtual void Abandon(JobNumber job) = 0;

  // ---- Running
  // -----------------------------------------------------------------------------------

  // Takes up to `most` ready steps of a queue, those with the highest priority first, and of these
  // those that were ready first. They are running then, with the next attempt. Returns none if the
  // queue is paused or at its limit.
  virtual absl::StatusOr<std::vector<ClaimedStep>> Claim(const std::string& queue, size_t most) = 0;

  // Ends attempts. The end of a job is synced when this returns, with all before it; the ends of
  // other steps soon after. Outcomes of other attempts than those that are running are counted and
  // ignored.
  virtual absl::StatusOr<Moves> Commit(std::vector<Outcome> outcomes, absl::Time now) = 0;

  // Makes steps ready whose time has come, goes on with work on large jobs, and drops jobs that
  // expired; a bounded piece of each. Called when Moves say so.
  virtual absl::StatusOr<Moves> Maintain(absl::Time now) = 0;

  // Has `wake` called when Maintain() has something to do that no Moves have told of. It is called
  // on a thread of the store, and must neither wait nor call the store. Once SetWake(nullptr) has
  // returned it is not called any more.
  virtual void SetWake(std::function<void()> wake) = 0;

  // Ends a job: its steps that have not begun are cancelled, now or by Maintain(). Durable. Does
  // nothing to a job that has ended.
  virtual absl::StatusOr<Moves> Cancel(JobNumber job, absl::Time now) = 0;

  // Runs the failed steps among `steps`, or all, again, with what was skipped or cancelled.
  // `override` is kept for those steps. FAILED_PRECONDITION if the job has not ended, or a step has
  // not failed.
  virtual absl::StatusOr<Moves> Requeue(JobNumber job, std::vector<uint32_t> steps,
                                        const std::string& override, absl::Time now) = 0;

  struct QueueChange {
    std::optional<bool> paused;
    std::optional<uint32_t> max_running;
  };
  // Changes a queue, and makes it if `create`. NOT_FOUND if there is none. RESOURCE_EXHAUSTED if
  // there are too many.
  virtual absl::StatusOr<QueueInfo> ChangeQueue(const std::string& name, const QueueChange& change,
                                                bool create) = 0;

  // ---- Reading
  // -----------------------------------------------------------------------------------

  virtual absl::StatusOr<JobInfo> GetJob(JobNumber job) const = 0;
  // Returns jobs before `before`, the newest first; 0 stands for the end. Jobs that are not sealed
  // are none. Running steps are not counted.
  virtual absl::StatusOr<Page<JobInfo, JobNumber>> ListJobs(JobNumber before,
                                                            size_t most) const = 0;

  virtual absl::StatusOr<uint32_t> FindStep(JobNumber job, std::string_view id) const = 0;
  // Returns a step; with its spec if `with_spec`.
  virtual absl::StatusOr<StepInfo> GetStep(StepRef step, bool with_spec) const = 0;
  // Returns the number of the step whose result is the job's; nullopt if there is none.
  virtual absl::StatusOr<std::optional<uint32_t>> ResultStep(JobNumber job) const = 0;
  virtual absl::StatusOr<std::string> ReadResult(StepRef step) const = 0;
  virtual absl::StatusOr<std::string> ReadBlob(JobNumber job, const Sha256Digest& digest) const = 0;

  // What is needed to run a step, apart from blobs and results.
  struct StepWork {
    std::string spec;
    std::string override;         // of Requeue(); "" if there is none
    std::vector<uint32_t> needs;  // in the order of the spec
    std::string tenant;
    bool is_failure_step = false;
  };
  virtual absl::StatusOr<StepWork> ReadWork(StepRef step) const = 0;

  // Returns up to `most` events of a job from `from` on, in order; none if there are none yet.
  virtual absl::StatusOr<std::vector<TaskEvent>> ReadEvents(JobNumber job, uint64_t from,
                                                            size_t most) const = 0;

  // Returns dead letters after `after`, in order, of one job if `job` is not 0. `next` is the last
  // one that was looked at.
  virtual absl::StatusOr<Page<StepRef, std::optional<StepRef>>> ListDeadLetters(
      std::optional<StepRef> after, JobNumber job, size_t most) const = 0;

  // Returns the queues, by name. Does not wait.
  virtual std::vector<QueueInfo> Queues() const = 0;

  struct Stats {
    uint64_t jobs = 0;       // that have not expired
    uint64_t steps = 0;      // of these jobs
    uint64_t scheduled = 0;  // steps that wait for a time
    uint64_t dead_letters = 0;
    uint64_t bytes = 0;          // of files
    uint64_t late_outcomes = 0;  // that were ignored, since the start
    uint64_t lost_attempts = 0;  // that ended with a process, found at the start
    uint64_t commits = 0;        // changes synced or written, since the start
    uint64_t committed = 0;      // changes that callers asked for, since the start
    bool healthy = true;
  };
  // Does not wait.
  virtual Stats stats() const = 0;
};

}  // namespace souvenir::gateway
