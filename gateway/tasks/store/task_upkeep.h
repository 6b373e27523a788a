#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/tasks/store/step_transitions.h"
#include "gateway/tasks/store/task_batch.h"
#include "gateway/tasks/store/task_changes.h"
#include "gateway/tasks/store/task_queues.h"

namespace souvenir::gateway {

// The changes of the task store that no caller asks for: what time brings, work on large jobs piece
// by piece, and what the end of a process has left.
//
// Owned by the store, and used by the thread that writes it.
class TaskUpkeep {
 public:
  // `piece` is the most steps of sweeps, and the most timers, that one change handles.
  TaskUpkeep(size_t piece, TaskQueues* queues, TaskFigures* figures, StepTransitions* transitions,
             TaskChanges* changes)
      : piece_(piece),
        queues_(queues),
        figures_(figures),
        transitions_(transitions),
        changes_(changes) {}

  // Reads the queues and figures of a store that was opened. Called first.
  absl::Status Load(const TaskDatabase& database);

  // Why steps were running when a store is opened.
  enum class Running {
    kProcessEnded,  // the steps may have ended it
    kReopened,      // this process has opened it again, because the disk failed
  };
  // Ends the attempts that were under way, and drops jobs that were not sealed. A step that was to
  // blame for `max_lost` ends of the process, because it ran alone or was the only suspect, is a
  // dead letter.
  Moves Recover(TaskBatch& batch, Running why, uint32_t max_lost, absl::Time now);

  // See TaskStore::Maintain().
  Moves Maintain(TaskBatch& batch, absl::Time now);

 private:
  void EndTimers(TaskBatch& batch, absl::Time now, Moves* moves);
  void DropExpired(TaskBatch& batch, absl::Time now, Moves* moves);
  void GoOnWithSweeps(TaskBatch& batch, absl::Time now, Moves* moves);
  // Handles up to `budget` steps. Returns true if the sweep is over.
  bool GoOn(TaskBatch& batch, JobNumber job, state::v1::TaskSweep* sweep, size_t* budget,
            absl::Time now, Moves* moves);
  void Reset(TaskBatch& batch, StepRef ref, const state::v1::TaskSweep& sweep);

  const size_t piece_;
  TaskQueues* const queues_;
  TaskFigures* const figures_;
  StepTransitions* const transitions_;
  TaskChanges* const changes_;
  std::vector<JobNumber> damaged_;  // found by Load(), for Recover()
};

}  // namespace souvenir::gateway
