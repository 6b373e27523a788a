#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cache/tiered_cache.h"
#include "gateway/catalog/catalog.h"
#include "gateway/catalog/model_counters.h"
#include "gateway/resolve/resolver.h"

namespace souvenir::gateway {

// What the gateway has done with the rows of a model since it started.
struct ModelFigures {
  std::string model;
  std::array<uint64_t, kCacheKinds> rows{};  // answered rows by CacheKind
  absl::Duration saved;                      // cost of the answers that were not computed

  uint64_t of(CacheKind kind) const { return rows[static_cast<size_t>(kind)]; }
};

// The figures that both the metrics and StatsService tell.
struct GatewayFigures {
  std::vector<ModelFigures> models;  // by name; without models that were never asked
  cache::MemoryTier::Stats memory;
  std::optional<cache::DiskTier::Stats> disk;  // nullopt if there is no disk tier
  bool disk_healthy = false;
  cache::FlightTable::Stats flights;
  std::vector<Lanes::Stats> lanes;  // one for each lane
};

// Collects the present figures. May be called on any thread; does not block.
GatewayFigures CollectFigures(const Catalog& catalog, const cache::TieredCache& cache,
                              const Resolver& resolver);

// Returns the figures of the models that were asked, by name.
std::vector<ModelFigures> CollectModelFigures(const Catalog& catalog);

}  // namespace souvenir::gateway
