#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cache/tiered_cache.h"
#include "gateway/tasks/store/rocksdb_task_store.h"
#include "gateway/tasks/task_engine.h"
#include "souvenir/config/v1/gateway.pb.h"

namespace souvenir::gateway {

// Returns the defaults for all fields that the file and the flags leave out. The comments of
// souvenir/config/v1/gateway.proto name them.
config::v1::GatewayConfig DefaultGatewayConfig();

// INVALID_ARGUMENT names the first invalid field, what came and what was expected.
absl::Status CheckGatewayConfig(const config::v1::GatewayConfig& config);

// Returns the addresses of the servers that compute: "host:port", at least one. REQUIRES: every
// field with a default is set.
std::vector<std::string> ComputeAddresses(const config::v1::GatewayConfig& config);

// Returns the admin addresses of these servers. If the configuration does not set them, each port
// is two above the port in ComputeAddresses(), like the services' defaults. Returns an empty list,
// so that loads are refused, if the setting is "", or if a derived address has no valid port or is
// the gateway's own.
std::vector<std::string> ComputeAdminAddresses(const config::v1::GatewayConfig& config);

// Returns the name of the field that has ComputeAdminAddresses() or, if none has, the one to set:
// `upstream.admin_addresses` in front of several servers.
std::string AdminAddressesField(const config::v1::GatewayConfig& config);

// Returns how long compute may be silent, while a call waits for it, before a keepalive ping asks
// whether it lives. By default half of the longest call, but at least 10 s: then at most two pings
// fall into a call, which a gRPC server with default settings allows. REQUIRES: every field with a
// default is set.
absl::Duration UpstreamKeepalive(const config::v1::GatewayConfig& config);

// Returns the cache's part of the configuration. REQUIRES: every field with a default is set.
cache::TieredCache::Options CacheOptions(const config::v1::GatewayConfig& config);

// Return the parts of the configuration for jobs. REQUIRES: every field with a default is set.
RocksDbTaskStore::Options TaskStoreOptions(const config::v1::Tasks& tasks);
TaskEngine::Options TaskEngineOptions(const config::v1::Tasks& tasks);

}  // namespace souvenir::gateway
