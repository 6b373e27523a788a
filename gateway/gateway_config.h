#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cache/tiered_cache.h"
#include "souvenir/config/v1/gateway.pb.h"

namespace souvenir::gateway {

// What holds for all that a file and the flags leave out, as the comments of
// souvenir/config/v1/gateway.proto say.
config::v1::GatewayConfig DefaultGatewayConfig();

// INVALID_ARGUMENT names the first field that makes no sense, what came and what was expected.
absl::Status CheckGatewayConfig(const config::v1::GatewayConfig& config);

// The servers that compute, and their admin ports: "host:port" each, at least one. REQUIRES:
// nothing is left out.
std::vector<std::string> ComputeAddresses(const config::v1::GatewayConfig& config);
std::vector<std::string> ComputeAdminAddresses(const config::v1::GatewayConfig& config);

// The cache's part of it. REQUIRES: nothing is left out.
cache::TieredCache::Options CacheOptions(const config::v1::GatewayConfig& config);

}  // namespace souvenir::gateway
