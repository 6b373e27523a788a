#pragma once

#include <cstdint>
#include <string_view>

#include "common/metrics/metrics.h"
#include "compute-service/pool/queue_bytes.h"
#include "compute-service/repository/model_repository.h"

namespace souvenir::compute {

// Writes the metrics of all models and their queues: souvenir_compute_*. A model has no series
// before its first request. `memory_budget_bytes` is the keeper's.
void CollectComputeMetrics(const ModelRepository& repository, const QueueBytes& queue_bytes,
                           uint64_t memory_budget_bytes, MetricWriter& writer);

}  // namespace souvenir::compute
