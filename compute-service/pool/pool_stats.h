#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "absl/time/time.h"
#include "common/metrics/histogram.h"

namespace souvenir::compute {

// The number of events and their total duration.
struct CountAndTime {
  uint64_t count = 0;
  absl::Duration time;

  void Add(absl::Duration duration) {
    ++count;
    time += duration;
  }
};

// The present activity of a pool.
struct PoolActivity {
  size_t depth = 0;      // jobs that wait
  size_t running = 0;    // calls of instances under way
  size_t instances = 0;  // instances that the pool may create
  // Instances that have run for longer than their limit. One that is a thread of the service cannot
  // be ended.
  size_t instances_hanging = 0;
  // True if no instance is left that can run anything, because a FilesCheck has refused to start
  // another process.
  bool files_refused = false;
  uint64_t rows = 0;                           // rows of all successful runs
  absl::Time last_run = absl::InfinitePast();  // end of the last run
};

// Counters of the jobs that a pool has run.
struct RunStats {
  size_t instances_ready = 0;   // instances that exist now
  size_t instances_failed = 0;  // slots whose last attempt to create an instance failed

  // Jobs by outcome, timed from arrival to answer.
  CountAndTime success;
  CountAndTime failure;
  CountAndTime queue;  // jobs of both outcomes, timed in the queue
  // Calls of instances; a call may run several jobs.
  CountAndTime run;
  std::map<int64_t, CountAndTime> run_by_rows;  // successful calls by number of rows
};

// All counters of a pool since it was created, and its present activity.
struct PoolStats : PoolActivity, RunStats {
  uint64_t lost_workers = 0;  // lost workers of all models that the pool has had
  uint64_t memory_bytes = 0;  // memory of the model when it was last measured

  // Jobs that never ran, by reason.
  uint64_t refused = 0;
  uint64_t expired = 0;
  uint64_t cancelled = 0;

  HistogramSnapshot queue_seconds;
  HistogramSnapshot run_seconds;
};

}  // namespace souvenir::compute
