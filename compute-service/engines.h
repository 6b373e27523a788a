#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "souvenir/config/v1/compute.pb.h"

namespace souvenir::compute {

// Returns the backends that are part of this build and that `config`, which has all fields, does
// not turn off.
absl::StatusOr<std::vector<std::unique_ptr<Backend>>> MakeBackends(
    const config::v1::ComputeConfig& config);

}  // namespace souvenir::compute
