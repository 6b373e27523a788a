#pragma once

#include <grpcpp/support/server_callback.h>

#include <atomic>

#include "cache/tiered_cache.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/grpc/rpc_metrics.h"
#include "gateway/catalog/catalog.h"
#include "souvenir/v1/cache.pb.h"

// Export and Import of the CacheService. Each takes a thread of the executor for as long as it
// lasts: it waits for the disk, and for the caller.

namespace souvenir::gateway {

// What a snapshot call needs; all of it outlives the call.
struct SnapshotParts {
  cache::TieredCache* cache;
  Executor* executor;
  Clock* clock;
  const Catalog* catalog;  // what is fresh
  // A caller that neither sends nor takes anything for so long loses the call, and frees its
  // thread.
  absl::Duration idle_timeout;
  // True once the gateway stops: idle callers then lose their calls at once.
  const std::atomic<bool>* is_stopping;
};

// What the handlers return to gRPC, which then owns it. RESOURCE_EXHAUSTED where the executor is
// taken, DEADLINE_EXCEEDED where the caller is idle.
grpc::ServerWriteReactor<v1::ExportResponse>* StartExport(const SnapshotParts& parts,
                                                          grpc::CallbackServerContext* context,
                                                          RpcMethodMetrics* metrics);
grpc::ServerReadReactor<v1::ImportRequest>* StartImport(const SnapshotParts& parts,
                                                        grpc::CallbackServerContext* context,
                                                        RpcMethodMetrics* metrics,
                                                        v1::ImportResponse* response);

}  // namespace souvenir::gateway
