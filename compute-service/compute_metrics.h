#pragma once

#include <cstdint>
#include <string_view>

#include "common/metrics/metrics.h"
#include "compute-service/repository/model_repository.h"

namespace souvenir::compute {

// Writes what the models do, and what waits for them: souvenir_compute_*. A model that has never
// been asked has no series of its own. `memory_budget_bytes` is the keeper's.
void CollectComputeMetrics(const ModelRepository& repository, uint64_t memory_budget_bytes,
                           MetricWriter& writer);

}  // namespace souvenir::compute
