#pragma once

#include "gateway/catalog/catalog.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::gateway {

// Adds to compute's statistics what the cache spared it, as Triton counts: `cache_hit` are rows
// that were remembered, which are successes too (a remembered refusal is a failure), `cache_miss`
// are rows that were not; `inference_count`, `execution_count` and the queue stay compute's own.
// A row that joined another's computation is a miss and a success.
//
// The gateway counts all versions of a model as one: it stands with the last version listed.
void AddCacheStatistics(const Catalog& catalog, inference::ModelStatisticsResponse* statistics);

}  // namespace souvenir::gateway
