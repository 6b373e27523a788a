#include "gateway/rpc/cache_statistics.h"

#include <map>
#include <string>

namespace souvenir::gateway {
namespace {

using inference::InferStatistics;
using inference::StatisticDuration;

void Add(uint64_t count, absl::Duration time, StatisticDuration* to) {
  if (count == 0) return;
  to->set_count(to->count() + count);
  to->set_ns(to->ns() + static_cast<uint64_t>(absl::ToInt64Nanoseconds(time)));
}

void Add(const ModelCounters& counters, InferStatistics* to) {
  const auto rows = [&](CacheKind kind) { return counters.rows(kind); };
  const uint64_t negative = rows(CacheKind::kNegative);
  const uint64_t served = rows(CacheKind::kMemory) + rows(CacheKind::kDisk) +
                          rows(CacheKind::kStale) + rows(CacheKind::kShared);
  const absl::Duration time = counters.hit_time();
  Add(served + negative, time, to->mutable_cache_hit());
  Add(rows(CacheKind::kMiss) + rows(CacheKind::kCoalesced), absl::ZeroDuration(),
      to->mutable_cache_miss());
  Add(served + rows(CacheKind::kCoalesced), time, to->mutable_success());
  Add(negative, absl::ZeroDuration(), to->mutable_fail());
}

}  // namespace

void AddCacheStatistics(const Catalog& catalog, inference::ModelStatisticsResponse* statistics) {
  std::map<std::string, inference::ModelStatistics*> last;
  for (inference::ModelStatistics& model : *statistics->mutable_model_stats()) {
    last[model.name()] = &model;
  }
  for (const auto& [name, counters] : catalog.counters()) {
    const auto found = last.find(name);
    if (found != last.end()) Add(*counters, found->second->mutable_inference_stats());
  }
}

}  // namespace souvenir::gateway
