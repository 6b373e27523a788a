#include "gateway/gateway_metrics.h"

#include <string>
#include <utility>
#include <vector>

#include "gateway/gateway_figures.h"

namespace souvenir::gateway {
namespace {

void CollectLookups(const std::vector<ModelFigures>& models, MetricWriter& writer) {
  for (const ModelFigures& figures : models) {
    for (size_t kind = 1; kind < kCacheKinds; ++kind) {
      const auto cache_kind = static_cast<CacheKind>(kind);
      if (cache_kind == CacheKind::kShared) continue;  // kShared is not a tier
      writer.Counter("souvenir_gateway_lookups_total", "Rows asked for, by how they were answered.",
                     {{"model", figures.model}, {"kind", std::string(CacheKindName(cache_kind))}},
                     static_cast<double>(figures.of(cache_kind)));
    }
    writer.Counter("souvenir_gateway_saved_compute_seconds_total",
                   "Compute time that remembered answers saved.", {{"model", figures.model}},
                   absl::ToDoubleSeconds(figures.saved));
  }
}

// Pairs of the reason of an eviction and the number of entries.
using Evictions = std::vector<std::pair<const char*, uint64_t>>;

void CollectOrigins(const std::string& tier, uint64_t bytes, MetricWriter& writer) {
  writer.Gauge("souvenir_gateway_cache_origin_bytes",
               "Memory for the origins of a tier's answers: tenants, models, digests.",
               {{"tier", tier}}, static_cast<double>(bytes));
}

void CollectTier(const std::string& tier, uint64_t entries, uint64_t bytes, uint64_t limit,
                 const Evictions& evictions, MetricWriter& writer) {
  const MetricLabels labels = {{"tier", tier}};
  writer.Gauge("souvenir_gateway_cache_entries", "Entries of a tier.", labels,
               static_cast<double>(entries));
  writer.Gauge("souvenir_gateway_cache_bytes", "Bytes of a tier, bookkeeping included.", labels,
               static_cast<double>(bytes));
  writer.Gauge("souvenir_gateway_cache_limit_bytes", "Limit of the bytes of a tier.", labels,
               static_cast<double>(limit));
  for (const auto& [reason, entries] : evictions) {
    writer.Counter("souvenir_gateway_cache_evictions_total",
                   "Entries that a tier evicted or did not accept.",
                   {{"tier", tier}, {"reason", reason}}, static_cast<double>(entries));
  }
}

void CollectDisk(const cache::DiskTier::Stats& stats, bool healthy, MetricWriter& writer) {
  CollectTier("disk", stats.store.entries, stats.store.bytes, stats.store.limit_bytes,
              {{"no_room", stats.store.dropped_entries}}, writer);
  CollectOrigins("disk", stats.origin_bytes, writer);
  writer.Gauge("souvenir_gateway_disk_pending_writes", "Entries waiting to be written.", {},
               static_cast<double>(stats.pending_writes));
  writer.Counter("souvenir_gateway_disk_dropped_writes_total",
                 "Entries not written: the queue was full, or the write failed.", {},
                 static_cast<double>(stats.dropped_writes));
  writer.Counter("souvenir_gateway_disk_read_errors_total",
                 "Records that could not be read or were damaged.", {},
                 static_cast<double>(stats.read_errors));
  writer.Counter("souvenir_gateway_disk_moved_aside_total",
                 "Stores that were damaged at the start, and were moved aside.", {},
                 static_cast<double>(stats.moved_aside));
  writer.Gauge("souvenir_gateway_disk_healthy", "1, or 0 while writes fail.", {}, healthy ? 1 : 0);
}

void CollectQueues(const std::vector<UpstreamQueues::Stats>& queues, MetricWriter& writer) {
  for (const UpstreamQueues::Stats& queue : queues) {
    const MetricLabels labels = {{"model", queue.model}};
    writer.Gauge("souvenir_gateway_queue_rows", "Rows that wait at the gateway for compute.",
                 labels, static_cast<double>(queue.waiting_rows));
    writer.Gauge("souvenir_gateway_queue_calls", "Calls to compute under way for these rows.",
                 labels, static_cast<double>(queue.calls_under_way));
    writer.Gauge("souvenir_gateway_queue_call_limit",
                 "Calls that may be under way; follows what compute can take.", labels,
                 static_cast<double>(queue.call_limit));
    writer.Counter("souvenir_gateway_queue_calls_total", "Calls made to compute.", labels,
                   static_cast<double>(queue.calls));
    writer.Counter("souvenir_gateway_queue_rows_total", "Rows asked for in these calls.", labels,
                   static_cast<double>(queue.rows));
    writer.Counter("souvenir_gateway_queue_refused_rows_total",
                   "Rows refused because the queue had no room for their tenant.", labels,
                   static_cast<double>(queue.refused));
  }
}

void CollectCompute(const EndpointSet& compute, MetricWriter& writer) {
  for (const auto& [name, stats] : compute.stats()) {
    for (size_t i = 0; i < kCallOutcomes; ++i) {
      const std::string outcome(CallOutcomeName(static_cast<CallOutcome>(i)));
      writer.Counter(
          "souvenir_gateway_upstream_calls_total", "Computations asked for, by how the call ended.",
          {{"endpoint", name}, {"outcome", outcome}}, static_cast<double>(stats.calls[i]));
    }
    const MetricLabels labels = {{"endpoint", name}};
    writer.Counter(
        "souvenir_gateway_upstream_retries_total",
        "Calls that were lost, or refused because the queue was full, and were made once more.",
        labels, static_cast<double>(stats.retries));
    writer.Counter("souvenir_gateway_upstream_ejections_total",
                   "Times that an endpoint was ejected because it lost calls.", labels,
                   static_cast<double>(stats.ejections));
    writer.Gauge("souvenir_gateway_upstream_outstanding", "Calls under way.", labels,
                 static_cast<double>(stats.outstanding));
    writer.Gauge("souvenir_gateway_upstream_models_left_out",
                 "Models that are left out because their names are not valid.", labels,
                 static_cast<double>(stats.left_out));
    const std::pair<const char*, size_t> states[] = {
        {"ready", stats.ready}, {"ejected", stats.ejected}, {"away", stats.away}};
    for (const auto& [state, endpoints] : states) {
      writer.Gauge("souvenir_gateway_upstream_endpoints", "Endpoints, by state.",
                   {{"endpoint", name}, {"state", state}}, static_cast<double>(endpoints));
    }
  }
}

void CollectDeserted(const DesertedWork::Stats& deserted, MetricWriter& writer) {
  writer.Gauge("souvenir_gateway_deserted_calls",
               "Calls to compute under way that nobody waits for any more.", {},
               static_cast<double>(deserted.calls));
  for (size_t i = 0; i < DesertedWork::kEnds; ++i) {
    const std::string end(DesertedWork::EndName(static_cast<DesertedWork::End>(i)));
    writer.Counter("souvenir_gateway_deserted_calls_total",
                   "Calls to compute that their last caller left, by how they ended.",
                   {{"end", end}}, static_cast<double>(deserted.ended[i]));
  }
}

void CollectWaiters(const cache::FlightTable::Stats& flights, MetricWriter& writer) {
  const auto& landed = flights.landed_by_waiters;
  const HistogramSnapshot waiters{.bounds = PowersOfTwo(landed.size() - 1),
                                  .buckets = {landed.begin(), landed.end()},
                                  .sum = static_cast<double>(flights.answered)};
  writer.Histogram("souvenir_gateway_flight_waiters",
                   "Rows that a computation answered at once, when it ended.", {}, waiters);
}

void CollectLanes(const std::vector<Lanes::Stats>& lanes, MetricWriter& writer) {
  const auto each = [&](const auto& write) {
    for (const Lanes::Stats& lane : lanes) write(lane, std::string(LaneName(lane.lane)));
  };
  each([&](const Lanes::Stats& lane, const std::string& name) {
    writer.Gauge("souvenir_gateway_waiting_bytes", "Bytes of inputs that wait to be computed.",
                 {{"lane", name}}, static_cast<double>(lane.row_bytes));
  });
  each([&](const Lanes::Stats& lane, const std::string& name) {
    writer.Gauge("souvenir_gateway_lane_rows", "Rows that wait to be computed.", {{"lane", name}},
                 static_cast<double>(lane.rows));
  });
  each([&](const Lanes::Stats& lane, const std::string& name) {
    writer.Counter("souvenir_gateway_lane_refused_total",
                   "Requests and rows refused because their lane was full.", {{"lane", name}},
                   static_cast<double>(lane.refused));
  });
  // Requests for text enter no lane: flights limit them. Steps enter none: their scheduler does.
  each([&](const Lanes::Stats& lane, const std::string& name) {
    if (lane.lane == Lane::kText || lane.lane == Lane::kTasks) return;
    writer.Gauge("souvenir_gateway_lane_requests", "Requests under way.", {{"lane", name}},
                 static_cast<double>(lane.requests));
  });
  each([&](const Lanes::Stats& lane, const std::string& name) {
    if (lane.lane == Lane::kText || lane.lane == Lane::kTasks) return;
    writer.Gauge("souvenir_gateway_lane_held_bytes", "Bytes of audio that requests hold.",
                 {{"lane", name}}, static_cast<double>(lane.held_bytes));
  });
}

}  // namespace

void CollectGatewayMetrics(const Catalog& catalog, const cache::TieredCache& cache,
                           const Resolver& resolver, const EndpointSet& compute,
                           MetricWriter& writer) {
  const GatewayFigures figures = CollectFigures(catalog, cache, resolver);
  CollectLookups(figures.models, writer);
  const cache::MemoryTier::Stats& memory = figures.memory;
  CollectTier("memory", memory.entries, memory.bytes, memory.limit_bytes,
              {{"no_room", memory.evictions},
               {"too_large", memory.refused},
               {"replaced", memory.replaced},
               {"invalidated", memory.invalidated}},
              writer);
  CollectOrigins("memory", memory.origin_bytes, writer);
  if (figures.disk) CollectDisk(*figures.disk, figures.disk_healthy, writer);

  const cache::FlightTable::Stats& flights = figures.flights;
  writer.Gauge("souvenir_gateway_flights", "Computations under way.", {},
               static_cast<double>(flights.in_progress));
  writer.Gauge("souvenir_gateway_waiters", "Rows waiting for a computation.", {},
               static_cast<double>(flights.waiters));
  writer.Counter("souvenir_gateway_flights_total", "Computations begun.", {},
                 static_cast<double>(flights.started));
  writer.Counter("souvenir_gateway_joined_total", "Rows that joined a computation under way.", {},
                 static_cast<double>(flights.joined));
  CollectWaiters(flights, writer);
  CollectDeserted(resolver.deserted(), writer);
  CollectLanes(figures.lanes, writer);
  CollectQueues(resolver.upstream(), writer);
  CollectCompute(compute, writer);
  writer.Gauge("souvenir_gateway_models", "Models known, all versions.", {},
               static_cast<double>(catalog.snapshot()->models().size()));
  writer.Counter("souvenir_gateway_model_names_forgotten_total",
                 "Names of models that have gone, and whose figures are not kept any more.", {},
                 static_cast<double>(catalog.forgotten()));
}

}  // namespace souvenir::gateway
