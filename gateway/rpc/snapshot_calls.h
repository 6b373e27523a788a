#pragma once

#include <grpcpp/support/server_callback.h>

#include "cache/tiered_cache.h"
#include "common/executor.h"
#include "common/grpc/rpc_entry.h"
#include "gateway/catalog/catalog.h"
#include "souvenir/v1/cache.pb.h"

// Export and Import of the CacheService. Each takes a thread of the executor for as long as it
// lasts: it waits for the disk, and for the caller.

namespace souvenir::gateway {

// The parts that a snapshot call works with. All of them outlive the call.
struct SnapshotParts {
  cache::TieredCache* cache;
  Executor* executor;
  RpcEntry* entry;         // idle callers lose their calls as soon as it is closed
  const Catalog* catalog;  // tells which entries are fresh
  // A caller that sends or takes less than 256 KiB in this time loses the call, and frees its
  // thread.
  absl::Duration idle_timeout;
};

// Starts a call. Returns the reactor for gRPC, which then owns it. The call ends with
// RESOURCE_EXHAUSTED if the executor is full, with DEADLINE_EXCEEDED if the caller is idle.
grpc::ServerWriteReactor<v1::ExportResponse>* StartExport(const SnapshotParts& parts,
                                                          grpc::CallbackServerContext* context,
                                                          RpcMethodMetrics* metrics);
grpc::ServerReadReactor<v1::ImportRequest>* StartImport(const SnapshotParts& parts,
                                                        grpc::CallbackServerContext* context,
                                                        RpcMethodMetrics* metrics,
                                                        v1::ImportResponse* response);

}  // namespace souvenir::gateway
