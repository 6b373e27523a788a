#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/tensor/tensor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/pool/queue_bytes.h"

namespace souvenir::compute {

// Identifies a job within its queue. Never 0 and never reused.
using JobId = uint64_t;

// Priorities run from 1, the most urgent, to kPriorityLevels. kDefaultPriority is for requests that
// name none.
inline constexpr int kPriorityLevels = 9;
inline constexpr int kDefaultPriority = 5;

// A request on its way to an instance. Move-only.
struct Job {
  // Inputs as InferenceRequest requires them. The bytes they view must live until `done` has been
  // called. A caller with no better place keeps them inside `done`, which is destroyed outside
  // every lock.
  std::vector<TensorView> inputs;
  std::vector<std::string> outputs;  // names of the outputs asked for
  // First dimension of a batched model's inputs; 1 if the model does not batch.
  int64_t rows = 1;
  // Between 1 (most urgent) and kPriorityLevels; see JobQueue::Options::aging.
  int priority = kDefaultPriority;
  uint64_t bytes = 0;       // of the request, as they count in QueueBytes
  QueueBytes::Share share;  // of these bytes; set by JobQueue::Push()
  // Monotonic time. A job that has not begun by then never runs.
  absl::Duration deadline = absl::InfiniteDuration();
  // Called exactly once for an accepted job, outside every lock. The calling thread is that of the
  // instance that ran the job or found it expired, the timers' thread if the job expired in the
  // queue, or the thread that cancelled it, failed it or stopped the pool. Must not block.
  absl::AnyInvocable<void(absl::StatusOr<InferenceResult>) &&> done;
};

}  // namespace souvenir::compute
