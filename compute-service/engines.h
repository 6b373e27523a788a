#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "souvenir/config/v1/compute.pb.h"

namespace souvenir::compute {

// The backends that this build has and `config`, which has all fields, does not turn off.
absl::StatusOr<std::vector<std::unique_ptr<Backend>>> MakeBackends(
    const config::v1::ComputeConfig& config);

}  // namespace souvenir::compute
