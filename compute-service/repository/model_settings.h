#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "compute-service/pool/job_queue.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// Where a model's instances run.
enum class Isolation {
  kThread,   // in the service's own process
  kProcess,  // each in a process of its own
};

// How a model's pool is made, and how its requests are scheduled.
struct ModelSettings {
  int instances = 1;  // fitted to load and machine: the most
  bool fits_itself = false;
  int processors = 1;            // that may be used: the most instances of a model that fits itself
  size_t max_queue_size = 1024;  // requests that wait
  absl::Duration run_limit = absl::Seconds(10);  // for one row
  Batching batching;

  int priority_levels = kPriorityLevels;    // 1 is the most urgent
  int default_priority = kDefaultPriority;  // of a request that names none

  // How long a request may wait in the queue; its own `timeout` may only shorten that, and does so
  // where it is allowed to.
  absl::Duration queue_timeout = absl::InfiniteDuration();
  bool allow_timeout_override = true;

  Isolation isolation = Isolation::kThread;
  // Where processes cannot be started: run in threads, and say so, instead of not at all.
  bool fall_back_to_thread = false;
};

// What `config` says of these, else `defaults`. Instances: the sum over `instance_group`, else the
// parameter `instances`, a number, or `auto` for as many as are of use (InstanceSizer). Batches,
// priorities and timeouts: `dynamic_batching`. The parameters `max_queue_size` and `run_limit_ms`
// are numbers above 0; `isolation` is `thread` or `process`, `isolation_fallback` is `thread` or
// `none`. INVALID_ARGUMENT names the setting and its value.
absl::StatusOr<ModelSettings> ReadModelSettings(const inference::ModelConfig& config,
                                                const ModelSettings& defaults);

// Whether this service can do what `config` asks for. INVALID_ARGUMENT names the setting that it
// does not support, or that makes no sense: an output without a name, a dimension of -7.
absl::Status CheckModelConfig(const inference::ModelConfig& config);

}  // namespace souvenir::compute
