#pragma once

#include "gateway/catalog/catalog.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::gateway {

// Adds the rows that did not reach compute to its statistics, counted as Triton does. `cache_hit`
// counts rows answered from the cache. They are successes too, except cached refusals, which are
// failures. `cache_miss` counts rows that the cache did not have. A row that joined the computation
// of another call is a miss and a success. `inference_count`, `execution_count` and the queue stay
// compute's own.
//
// The gateway counts all versions of a model together; the sum is added to the last version listed.
void AddCacheStatistics(const Catalog& catalog, inference::ModelStatisticsResponse* statistics);

}  // namespace souvenir::gateway
