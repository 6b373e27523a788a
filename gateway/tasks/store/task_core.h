#pragma once

#include <memory>

#include "gateway/tasks/store/rocksdb_task_store.h"
#include "gateway/tasks/store/step_transitions.h"
#include "gateway/tasks/store/task_changes.h"
#include "gateway/tasks/store/task_database.h"
#include "gateway/tasks/store/task_upkeep.h"

namespace souvenir::gateway {

// The open store. Its parts know as much as the disk, so that all of them are made anew when the
// store is opened again.
struct RocksDbTaskStore::Core {
  Core(const Options& options, TaskQueues* queues, TaskFigures* figures)
      : transitions(options.piece, queues, figures),
        changes({.max_steps = options.max_steps, .max_bytes = options.max_bytes}, queues, figures,
                &transitions),
        upkeep(options.piece, queues, figures, &transitions, &changes) {}

  std::unique_ptr<TaskDatabase> database;
  StepTransitions transitions;
  TaskChanges changes;
  TaskUpkeep upkeep;
};

// A reader of the open store, which is not closed meanwhile.
class RocksDbTaskStore::Reading {
 public:
  explicit Reading(const RocksDbTaskStore& store) : pass_(store.readers_.Enter()), store_(store) {}

  // Returns OK; UNAVAILABLE if the store is not open.
  absl::Status status() const {
    return pass_ ? absl::OkStatus() : absl::UnavailableError("the task store has failed");
  }
  // REQUIRES: status() is OK.
  const TaskDatabase& database() const { return *store_.core_->database; }

 private:
  const std::optional<Gate::Pass> pass_;
  const RocksDbTaskStore& store_;
};

}  // namespace souvenir::gateway
