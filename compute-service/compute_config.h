#pragma once

#include "absl/status/status.h"
#include "souvenir/config/v1/compute.pb.h"

namespace souvenir::compute {

// Returns a configuration in which every field has its default, as in compute.proto.
config::v1::ComputeConfig DefaultComputeConfig();

// Checks a configuration that has all fields. INVALID_ARGUMENT names the field, its value and what
// was expected.
absl::Status CheckComputeConfig(const config::v1::ComputeConfig& config);

}  // namespace souvenir::compute
