#include "gateway/rpc/stats_service.h"

#include "common/grpc/proto_time.h"
#include "common/grpc/unary_calls.h"
#include "gateway/gateway_figures.h"

namespace souvenir::gateway {

StatsService::StatsService(const Sources& sources, RpcEntry* entry)
    : sources_(sources),
      entry_(entry),
      metrics_(entry->Method("GetStats")),
      started_at_(entry->clock()->Now()) {}

grpc::ServerUnaryReactor* StatsService::GetStats(grpc::CallbackServerContext* context,
                                                 const v1::GetStatsRequest*,
                                                 v1::GetStatsResponse* response) {
  return AnswerNow(entry_, metrics_, context, response, [&] {
    FillStats(response);
    return absl::OkStatus();
  });
}

void StatsService::FillStats(v1::GetStatsResponse* response) const {
  ToProto(started_at_, response->mutable_started_at());

  const GatewayFigures figures =
      CollectFigures(*sources_.catalog, *sources_.cache, *sources_.resolver);
  absl::Duration saved = absl::ZeroDuration();
  for (const ModelFigures& of : figures.models) {
    v1::ModelStats* const model = response->add_models();
    for (size_t kind = 1; kind < kCacheKinds; ++kind) {
      if (of.rows[kind] == 0) continue;
      v1::KindCount* const count = model->add_lookups();
      count->set_kind(static_cast<v1::CacheKind>(kind));
      count->set_rows(of.rows[kind]);
    }
    model->set_model(of.model);
    ToProto(of.saved, model->mutable_saved_compute_time());
    saved += of.saved;
  }
  ToProto(saved, response->mutable_saved_compute_time());

  const cache::MemoryTier::Stats& memory = figures.memory;
  response->mutable_memory()->set_entries(memory.entries);
  response->mutable_memory()->set_bytes(memory.bytes);
  response->mutable_memory()->set_bookkeeping_bytes(memory.bookkeeping_bytes);
  response->mutable_memory()->set_limit_bytes(memory.limit_bytes);
  response->mutable_memory()->set_evictions(memory.evictions);
  if (const std::optional<cache::DiskTier::Stats>& disk = figures.disk) {
    response->mutable_disk()->set_entries(disk->store.entries);
    response->mutable_disk()->set_bytes(disk->store.bytes);
    response->mutable_disk()->set_limit_bytes(disk->store.limit_bytes);
    response->mutable_disk()->set_evictions(disk->store.dropped_entries);
    response->mutable_disk()->set_pending_writes(disk->pending_writes);
    response->mutable_disk()->set_dropped_writes(disk->dropped_writes);
    response->set_disk_health(figures.disk_healthy ? v1::DISK_HEALTH_SERVING
                                                   : v1::DISK_HEALTH_DEGRADED);
  }

  const cache::FlightTable::Stats& flights = figures.flights;
  response->mutable_flights()->set_in_progress(flights.in_progress);
  response->mutable_flights()->set_started(flights.started);
  response->mutable_flights()->set_joined(flights.joined);
  for (const Lanes::Stats& lane : figures.lanes) {
    v1::LaneStats* const told = response->add_lanes();
    told->set_lane(std::string(LaneName(lane.lane)));
    told->set_requests(lane.requests);
    told->set_held_bytes(lane.held_bytes);
    told->set_waiting_rows(lane.rows);
    told->set_waiting_bytes(lane.row_bytes);
    told->set_refused(lane.refused);
  }
}

}  // namespace souvenir::gateway
