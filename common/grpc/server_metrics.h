#pragma once

#include <utility>
#include <vector>

#include "common/grpc/grpc_server.h"
#include "common/grpc/rpc_metrics.h"
#include "common/metrics/metrics.h"

namespace souvenir {

// Writes what the connections of a service's ports are doing, under the prefix of `rpcs`, and the
// calls that no handler knows of yet, as active requests of the method "waiting".
void CollectServerMetrics(const RpcMetrics& rpcs,
                          const std::vector<std::pair<const char*, const GrpcServer*>>& ports,
                          MetricWriter& writer);

}  // namespace souvenir
