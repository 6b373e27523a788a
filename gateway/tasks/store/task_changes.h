#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/tasks/store/step_transitions.h"
#include "gateway/tasks/store/task_batch.h"
#include "gateway/tasks/store/task_queues.h"
#include "gateway/tasks/task_store.h"

namespace souvenir::gateway {

// The changes that callers of the task store ask for, each as a change of a batch. See TaskStore
// for the contracts of functions that have the same name there. A function that returns an error
// has changed nothing, unless the batch has an error, too.
//
// Owned by the store, and used by the thread that writes it.
class TaskChanges {
 public:
  struct Options {
    uint64_t max_steps = 10'000'000;  // of all jobs that have not expired
    uint64_t max_bytes = uint64_t{8} << 30;
  };

  TaskChanges(const Options& options, TaskQueues* queues, TaskFigures* figures,
              StepTransitions* transitions)
      : options_(options), queues_(queues), figures_(figures), transitions_(transitions) {}

  void SetNextJob(JobNumber job) { next_job_ = job; }

  absl::StatusOr<TaskStore::Begun> Begin(TaskBatch& batch, const JobOptions& options,
                                         absl::Time now);
  // `stored_bytes` is the size of the store.
  absl::Status Append(TaskBatch& batch, JobNumber job, const std::vector<NewStep>& steps,
                      const std::vector<Blob>& blobs, uint64_t stored_bytes);
  // Writes the edges of the steps from `first` to before `last`. Called for all before Seal().
  absl::Status Link(TaskBatch& batch, JobNumber job, const JobGraph& graph, uint32_t first,
                    uint32_t last);
  absl::StatusOr<TaskStore::Sealed> Seal(TaskBatch& batch, JobNumber job, const JobGraph& graph,
                                         const TaskStore::SpecialSteps& special, absl::Time now);
  void Abandon(TaskBatch& batch, JobNumber job);

  // REQUIRES: nothing that makes steps ready was changed in the same batch before.
  absl::StatusOr<std::vector<ClaimedStep>> Claim(TaskBatch& batch, const std::string& queue,
                                                 size_t most);
  Moves Commit(TaskBatch& batch, const std::vector<Outcome>& outcomes, absl::Time now);
  absl::StatusOr<Moves> Cancel(TaskBatch& batch, JobNumber job, absl::Time now);
  absl::StatusOr<Moves> Requeue(TaskBatch& batch, JobNumber job, const std::vector<uint32_t>& steps,
                                const std::string& override, absl::Time now);
  absl::StatusOr<QueueInfo> ChangeQueue(TaskBatch& batch, const std::string& name,
                                        const TaskStore::QueueChange& change, bool create);

  // Returns true if there may be deleted records that still take room.
  bool has_garbage() const { return has_garbage_; }
  void ForgetGarbage() { has_garbage_ = false; }

  // Drops a job with all its records.
  void Drop(TaskBatch& batch, JobNumber job);

 private:
  absl::StatusOr<TaskQueue*> FindOrAdd(TaskBatch& batch, const std::string& name);
  // Returns the job that has a key and is still there; 0 if there is none.
  JobNumber HolderOf(TaskBatch& batch, const std::string& key) const;
  absl::Status CheckUnique(TaskBatch& batch, const state::v1::TaskJob& job);
  void EndAttempt(TaskBatch& batch, const Outcome& outcome, absl::Time now, Moves* moves);
  // Takes the steps of one priority.
  void ClaimLevel(TaskBatch& batch, TaskQueue* queue, int priority, size_t most,
                  std::vector<ClaimedStep>* claimed);

  // Has the steps wait no more that a suspect has kept waiting: one of each queue.
  void GoOnWithSuspects(TaskBatch& batch, Moves* moves);

  const Options options_;
  TaskQueues* const queues_;
  TaskFigures* const figures_;
  StepTransitions* const transitions_;
  JobNumber next_job_ = 1;
  bool has_garbage_ = true;  // of the process before
  struct Attempt {
    uint32_t number;
    TaskQueue* queue;
  };
  absl::flat_hash_map<StepRef, Attempt> running_;
  // Suspects run one at a time: see IsSuspect(). The one that runs, and those that were met in
  // their queues meanwhile.
  std::optional<StepRef> suspect_;
  std::deque<StepRef> suspects_;
  absl::flat_hash_map<JobNumber, uint32_t> submitted_;  // steps of jobs that are not sealed
};

}  // namespace souvenir::gateway
