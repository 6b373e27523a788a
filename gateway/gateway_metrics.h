#pragma once

#include "cache/tiered_cache.h"
#include "common/metrics/metrics.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/resolver.h"
#include "gateway/upstream/endpoint_set.h"

namespace souvenir::gateway {

// Writes the gateway's counters, except those of its RPCs. docs/metrics.md lists the names.
void CollectGatewayMetrics(const Catalog& catalog, const cache::TieredCache& cache,
                           const Resolver& resolver, const EndpointSet& compute,
                           MetricWriter& writer);

}  // namespace souvenir::gateway
