#pragma once

#include "absl/status/status.h"
#include "souvenir/config/v1/compute.pb.h"

namespace souvenir::compute {

// Every field with its default, as compute.proto says.
config::v1::ComputeConfig DefaultComputeConfig();

// Whether the values make sense, in a configuration that has all fields. INVALID_ARGUMENT names the
// field, its value and what was expected.
absl::Status CheckComputeConfig(const config::v1::ComputeConfig& config);

}  // namespace souvenir::compute
