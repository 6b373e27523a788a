#pragma once

#include "inference/grpc_service.pb.h"

namespace souvenir::gateway {

// Adds what one server counted to what others did: by model and version, in `sum`'s order and then
// `more`'s. The last inference is the latest; all else is a sum.
void AddStatistics(const inference::ModelStatisticsResponse& more,
                   inference::ModelStatisticsResponse* sum);

}  // namespace souvenir::gateway
