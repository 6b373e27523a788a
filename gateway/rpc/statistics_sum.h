#pragma once

#include "inference/grpc_service.pb.h"

namespace souvenir::gateway {

// Adds the statistics of one server to those of others, by model and version. Models that only
// `more` has come last, in its order. The last inference is the latest; all else is added up.
void AddStatistics(const inference::ModelStatisticsResponse& more,
                   inference::ModelStatisticsResponse* sum);

}  // namespace souvenir::gateway
