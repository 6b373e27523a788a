#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/tensor/tensor.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Names a job within its queue; never 0, never given twice.
using JobId = uint64_t;

// Levels of priority, and that of a job that names none.
inline constexpr int kPriorityLevels = 9;
inline constexpr int kDefaultPriority = 5;

// One request on its way to an instance. Move-only.
struct Job {
  // As InferenceRequest wants them. What they view must live until `done` has been called: a caller
  // that has no better place keeps it inside `done`, which is destroyed outside every lock.
  std::vector<TensorView> inputs;
  std::vector<std::string> outputs;
  // The first dimension of a batched model's inputs; 1 where there is no batch.
  int64_t rows = 1;
  // 1 is the most urgent; see JobQueue::Options::aging.
  int priority = kDefaultPriority;
  // On the clock's monotonic time. A job that has not begun by then never runs.
  absl::Duration deadline = absl::InfiniteDuration();
  // Called exactly once for a job that was accepted, outside every lock: by the thread of the
  // instance that ran it, by the timers' thread where it expired, by whoever cancelled it or
  // stopped the pool. It must not block.
  absl::AnyInvocable<void(absl::StatusOr<InferenceResult>) &&> done;
};

}  // namespace souvenir::compute
