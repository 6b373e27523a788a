#pragma once

#include <cstddef>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// How a model's pool is made.
struct ModelSettings {
  int instances = 1;
  size_t max_queue_size = 1024;                  // requests that wait
  absl::Duration run_limit = absl::Seconds(10);  // for one row
};

// What `config` says of these, else `defaults`. Instances: the sum over `instance_group`, else the
// parameter `instances`, a number or `auto`, which is the default. The parameters `max_queue_size`
// and `run_limit_ms` are numbers above 0. INVALID_ARGUMENT names the setting and its value.
absl::StatusOr<ModelSettings> ReadModelSettings(const inference::ModelConfig& config,
                                                const ModelSettings& defaults);

// Whether this service can do what `config` asks for. INVALID_ARGUMENT names the setting that it
// does not support, or that makes no sense: an output without a name, a dimension of -7.
absl::Status CheckModelConfig(const inference::ModelConfig& config);

}  // namespace souvenir::compute
