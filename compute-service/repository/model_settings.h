#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "compute-service/pool/job_queue.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// The place where a model's instances run.
enum class Isolation {
  kThread,   // in the service's own process
  kProcess,  // each in a process of its own
};

// The settings of a model's pool, and of the scheduling of its requests.
struct ModelSettings {
  int instances = 1;  // if `fits_itself`, the most instances
  bool fits_itself = false;
  int processors = 1;  // usable processors: the most instances of a model that fits itself
  size_t max_queue_size = 1024;                  // most requests that wait
  absl::Duration run_limit = absl::Seconds(10);  // for one row
  int nice = 0;  // of the model's threads and processes, 0 to 19, added to the service's own
  Batching batching;

  int priority_levels = kPriorityLevels;    // 1 is the most urgent
  int default_priority = kDefaultPriority;  // priority of a request that names none

  // The longest time for which a request may wait in the queue. If allow_timeout_override is set,
  // the request's own `timeout` may shorten it.
  absl::Duration queue_timeout = absl::InfiniteDuration();
  bool allow_timeout_override = true;

  Isolation isolation = Isolation::kThread;
  // True to run in threads, with a note, if processes cannot be started. Otherwise the model fails
  // to load.
  bool fall_back_to_thread = false;
};

// Returns the settings of `config`, or those of `defaults` where it has none. Instances: the sum
// over `instance_group`, else the parameter `instances`, which is a number, or `auto` for as many
// as are of use (InstanceSizer). Batches, priorities and timeouts: `dynamic_batching`. The
// parameters `max_queue_size` and `run_limit_ms` are numbers above 0. `nice` is from 0 to 19;
// without it, models of speech are 4 nicer than `defaults`, so that they give way to those of text.
// `isolation` is `thread` or `process`, `isolation_fallback` is `thread` or `none`.
// INVALID_ARGUMENT names the setting and its value.
absl::StatusOr<ModelSettings> ReadModelSettings(const inference::ModelConfig& config,
                                                const ModelSettings& defaults);

// Checks that this service supports `config`. INVALID_ARGUMENT names a setting that is not
// supported or is invalid, such as an output without a name or a dimension of -7.
absl::Status CheckModelConfig(const inference::ModelConfig& config);

}  // namespace souvenir::compute
