#pragma once

#include "cache/tiered_cache.h"
#include "common/metrics/metrics.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/resolver.h"
#include "gateway/tasks/task_engine.h"
#include "gateway/upstream/endpoint_set.h"

namespace souvenir::gateway {

// Writes the gateway's counters, except those of its RPCs. docs/metrics.md lists the names.
void CollectGatewayMetrics(const Catalog& catalog, const cache::TieredCache& cache,
                           const Resolver& resolver, const EndpointSet& compute,
                           MetricWriter& writer);

// Collects the figures of jobs. Queues have names that callers choose, so no figure has one as a
// label: ListQueues tells them.
void CollectTaskMetrics(const TaskEngine& tasks, MetricWriter& writer);

}  // namespace souvenir::gateway
