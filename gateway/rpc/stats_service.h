#pragma once

#include "cache/tiered_cache.h"
#include "common/grpc/rpc_entry.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/resolver.h"
#include "souvenir/v1/stats.grpc.pb.h"

namespace souvenir::gateway {

// souvenir.v1.StatsService. Owned by the gateway; thread-safe.
class StatsService final : public v1::StatsService::CallbackService {
 public:
  // The sources of the figures. All of them must outlive the service.
  struct Sources {
    const Catalog* catalog;
    const cache::TieredCache* cache;
    const Resolver* resolver;
  };

  StatsService(const Sources& sources, RpcEntry* entry);

  grpc::ServerUnaryReactor* GetStats(grpc::CallbackServerContext* context,
                                     const v1::GetStatsRequest* request,
                                     v1::GetStatsResponse* response) override;

 private:
  void FillStats(v1::GetStatsResponse* response) const;

  const Sources sources_;
  RpcEntry* const entry_;
  RpcMethodMetrics* const metrics_;
  const absl::Time started_at_;
};

}  // namespace souvenir::gateway
