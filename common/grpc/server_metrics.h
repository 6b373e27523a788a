#pragma once

#include <utility>
#include <vector>

#include "common/grpc/grpc_server.h"
#include "common/grpc/rpc_entry.h"
#include "common/metrics/metrics.h"

namespace souvenir {

// Writes the metrics of the connections of a service's ports, with the prefix of `entry`. Open
// calls that no method counts are active requests of the method "waiting".
void CollectServerMetrics(const RpcEntry& entry,
                          const std::vector<std::pair<const char*, const GrpcServer*>>& ports,
                          MetricWriter& writer);

}  // namespace souvenir
