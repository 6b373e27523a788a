#pragma once

#include "cache/tiered_cache.h"
#include "common/executor.h"
#include "common/grpc/rpc_entry.h"
#include "gateway/catalog/catalog.h"
#include "gateway/rpc/snapshot_calls.h"
#include "souvenir/v1/cache.grpc.pb.h"

namespace souvenir::gateway {

// souvenir.v1.CacheService. It is served on the admin port only, because its callers can empty the
// cache and fill it. All calls may wait for the disk, so they run on executors.
//
// Owned by the gateway; thread-safe.
class CacheService final : public v1::CacheService::CallbackService {
 public:
  // The objects that the arguments point to must outlive the service. Each export or import takes a
  // thread of `snapshot_executor`.
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

  // Returns whether `scope` contains anything to invalidate. UNSPECIFIED for a tag or a tenant,
  // which are not looked up.
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
