#pragma once

#include <atomic>

#include "cache/tiered_cache.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/grpc/rpc_metrics.h"
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
               absl::Duration snapshot_idle_timeout, Clock* clock, const Catalog* catalog,
               RpcMetrics* metrics);

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

  // Ends exports and imports whose callers are idle, now and from now on. For a stop.
  void StopIdleSnapshots() { is_stopping_ = true; }

 private:
  // Runs `work`, which gives the RPC's status, on the executor.
  template <typename Work>
  grpc::ServerUnaryReactor* RunOnDisk(grpc::CallbackServerContext* context,
                                      RpcMethodMetrics* metrics, Work work);

  absl::Status FillEntry(const v1::GetEntryRequest& request, v1::GetEntryResponse* response);

  // Whether there is anything in `scope` to invalidate, as far as that is known.
  v1::InvalidateMatch Match(const cache::Invalidation& scope);

  cache::TieredCache* const cache_;
  Executor* const disk_executor_;
  Clock* const clock_;
  const Catalog* const catalog_;
  RpcMethodMetrics* const get_metrics_;
  RpcMethodMetrics* const invalidate_metrics_;
  std::atomic<bool> is_stopping_{false};
  const SnapshotParts snapshot_;
  RpcMethodMetrics* const export_metrics_;
  RpcMethodMetrics* const import_metrics_;
};

}  // namespace souvenir::gateway
