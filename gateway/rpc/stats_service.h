#pragma once

#include "cache/tiered_cache.h"
#include "common/clock.h"
#include "common/grpc/rpc_metrics.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/resolver.h"
#include "souvenir/v1/stats.grpc.pb.h"

namespace souvenir::gateway {

// souvenir.v1.StatsService. Owned by the gateway; thread-safe.
class StatsService final : public v1::StatsService::CallbackService {
 public:
  // What is counted; all of it must outlive the service.
  struct Sources {
    Clock* clock;
    const Catalog* catalog;
    const cache::TieredCache* cache;
    const Resolver* resolver;
  };

  StatsService(const Sources& sources, RpcMetrics* metrics);

  grpc::ServerUnaryReactor* GetStats(grpc::CallbackServerContext* context,
                                     const v1::GetStatsRequest* request,
                                     v1::GetStatsResponse* response) override;

 private:
  const Sources sources_;
  RpcMethodMetrics* const metrics_;
  const absl::Time started_at_;
};

}  // namespace souvenir::gateway
