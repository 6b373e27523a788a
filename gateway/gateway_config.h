#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cache/tiered_cache.h"
#include "souvenir/config/v1/gateway.pb.h"

namespace souvenir::gateway {

// What holds for all that a file and the flags leave out, as the comments of
// souvenir/config/v1/gateway.proto say.
config::v1::GatewayConfig DefaultGatewayConfig();

// INVALID_ARGUMENT names the first field that makes no sense, what came and what was expected.
absl::Status CheckGatewayConfig(const config::v1::GatewayConfig& config);

// The servers that compute: "host:port" each, at least one. REQUIRES: nothing with a default is
// left out.
std::vector<std::string> ComputeAddresses(const config::v1::GatewayConfig& config);

// Their admin ports. Where the configuration does not set them, each is two above the port in
// ComputeAddresses(), as the services' defaults are. Empty, so that loads are refused: it was set
// to "", or what would be derived is no port, or is the gateway's own.
std::vector<std::string> ComputeAdminAddresses(const config::v1::GatewayConfig& config);

// How long compute may be silent, while a call waits for it, before it is asked whether it lives.
// Where the configuration does not say, at most two such questions fall into the longest call that
// is waited for: a gRPC server that nobody has configured puts up with two. REQUIRES: nothing is
// left out.
absl::Duration UpstreamKeepalive(const config::v1::GatewayConfig& config);

// The cache's part of it. REQUIRES: nothing is left out.
cache::TieredCache::Options CacheOptions(const config::v1::GatewayConfig& config);

}  // namespace souvenir::gateway
