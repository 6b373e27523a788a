#include "gateway/rpc/stats_service.h"

#include "common/grpc/proto_time.h"
#include "common/grpc/unary_calls.h"

namespace souvenir::gateway {

StatsService::StatsService(const Sources& sources, RpcEntry* entry)
    : sources_(sources),
      entry_(entry),
      metrics_(entry->Method("GetStats")),
      started_at_(entry->clock()->Now()) {}

grpc::ServerUnaryReactor* StatsService::GetStats(grpc::CallbackServerContext* context,
                                                 const v1::GetStatsRequest*,
                                                 v1::GetStatsResponse* response) {
  return AnswerNow(entry_, metrics_, context, [&] {
    FillStats(response);
    return absl::OkStatus();
  });
}

void StatsService::FillStats(v1::GetStatsResponse* response) const {
  ToProto(started_at_, response->mutable_started_at());

  absl::Duration saved = absl::ZeroDuration();
  for (const auto& [name, counters] : sources_.catalog->counters()) {
    v1::ModelStats model;
    for (size_t kind = 1; kind < kCacheKinds; ++kind) {
      const uint64_t rows = counters->rows(static_cast<CacheKind>(kind));
      if (rows == 0) continue;
      v1::KindCount* const count = model.add_lookups();
      count->set_kind(static_cast<v1::CacheKind>(kind));
      count->set_rows(rows);
    }
    if (model.lookups().empty()) continue;
    model.set_model(name);
    ToProto(counters->saved(), model.mutable_saved_compute_time());
    saved += counters->saved();
    *response->add_models() = std::move(model);
  }
  ToProto(saved, response->mutable_saved_compute_time());

  const cache::MemoryTier::Stats memory = sources_.cache->memory().stats();
  response->mutable_memory()->set_entries(memory.entries);
  response->mutable_memory()->set_bytes(memory.bytes);
  response->mutable_memory()->set_limit_bytes(memory.limit_bytes);
  response->mutable_memory()->set_evictions(memory.evictions);
  if (const std::optional<cache::DiskTier::Stats> disk = sources_.cache->disk_stats()) {
    response->mutable_disk()->set_entries(disk->store.entries);
    response->mutable_disk()->set_bytes(disk->store.bytes);
    response->mutable_disk()->set_limit_bytes(disk->store.limit_bytes);
    response->mutable_disk()->set_evictions(disk->store.dropped_entries);
    response->mutable_disk()->set_pending_writes(disk->pending_writes);
    response->mutable_disk()->set_dropped_writes(disk->dropped_writes);
    response->set_disk_health(sources_.cache->is_disk_healthy() ? v1::DISK_HEALTH_SERVING
                                                                : v1::DISK_HEALTH_DEGRADED);
  }

  const cache::FlightTable::Stats flights = sources_.resolver->flights();
  response->mutable_flights()->set_in_progress(flights.in_progress);
  response->mutable_flights()->set_started(flights.started);
  response->mutable_flights()->set_joined(flights.joined);
}

}  // namespace souvenir::gateway
