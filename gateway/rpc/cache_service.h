#pragma once

#include "cache/tiered_cache.h"
#include "common/executor.h"
#include "common/grpc/rpc_entry.h"
#include "gateway/catalog/catalog.h"
#include "gateway/rpc/snapshot_calls.h"
#include "souvenir/v1/cache.grpc.pb.h"

namespace souvenir::gateway {

// souvenir.v1.CacheService, for the admin port alone: whoever can call it can empty the cache and
// fill it. All may wait for the disk, and so run on executors.
//
// Owned by the gateway; thread-safe.
class CacheService final : public v1::CacheService::CallbackService {
 public:
  // All that is pointed to must outlive the service. Exports and imports take a thread of
  // `snapshot_executor` each.
  CacheService(cache::TieredCache* cache, Executor* disk_executor, Executor* snapshot_executor,
               absl::Duration snapshot_idle_timeout, const Catalog* catalog, RpcEntry* entry);

  grpc::ServerUnaryReactor* GetEntry(grpc::CallbackServerContext* context,
                                     const v1::GetEntryRequest* request,
                                     v1::GetEntryResponse* response) override;
  grpc::ServerUnaryReactor* Invalidate(grpc::CallbackServerContext* context,
                                       const v1::InvalidateRequest* request,
                                       v1::InvalidateResponse* response) override;
  grpc::ServerWriteReactor<v1::ExportResponse>* Export(grpc::CallbackServerContext* context,
                                                       const v1::ExportRequest* request) override;
  grpc::ServerReadReactor<v1::ImportRequest>* Import(grpc::CallbackServerContext* context,
                                                     v1::ImportResponse* response) override;

 private:
  absl::Status FillEntry(const v1::GetEntryRequest& request, v1::GetEntryResponse* response);

  // Whether there is anything in `scope` to invalidate, as far as that is known.
  v1::InvalidateMatch Match(const cache::Invalidation& scope);

  cache::TieredCache* const cache_;
  Executor* const disk_executor_;
  const Catalog* const catalog_;
  RpcEntry* const entry_;
  RpcMethodMetrics* const get_metrics_;
  RpcMethodMetrics* const invalidate_metrics_;
  const SnapshotParts snapshot_;
  RpcMethodMetrics* const export_metrics_;
  RpcMethodMetrics* const import_metrics_;
};

}  // namespace souvenir::gateway
