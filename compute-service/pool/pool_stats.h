#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "absl/time/time.h"
#include "common/metrics/histogram.h"

namespace souvenir::compute {

// How often something happened and how long it took in all.
struct CountAndTime {
  uint64_t count = 0;
  absl::Duration time;

  void Add(absl::Duration duration) {
    ++count;
    time += duration;
  }
};

// What a pool is doing.
struct PoolActivity {
  size_t depth = 0;      // jobs that wait
  size_t running = 0;    // calls of instances
  size_t instances = 0;  // that may be made
  // That have run for longer than they may: nothing more can be done to one that is no process.
  size_t instances_hanging = 0;
  uint64_t rows = 0;                           // of successful runs, ever
  absl::Time last_run = absl::InfinitePast();  // when the last one ended
};

// The jobs of a pool that have run.
struct RunStats {
  size_t instances_ready = 0;   // made so far
  size_t instances_failed = 0;  // whose making failed at the last attempt

  // Of each job; success and failure are timed from coming to answer.
  CountAndTime success;
  CountAndTime failure;
  CountAndTime queue;
  // Of each call of an instance, which may have run several jobs.
  CountAndTime run;
  std::map<int64_t, CountAndTime> run_by_rows;  // successful runs
};

// What a pool has done since it was made, and what it does now.
struct PoolStats : PoolActivity, RunStats {
  uint64_t lost_workers = 0;  // of all models that the pool has had
  uint64_t memory_bytes = 0;  // of the model, when it was last measured

  // Jobs that never ran.
  uint64_t refused = 0;
  uint64_t expired = 0;
  uint64_t cancelled = 0;

  HistogramSnapshot queue_seconds;
  HistogramSnapshot run_seconds;
};

}  // namespace souvenir::compute
