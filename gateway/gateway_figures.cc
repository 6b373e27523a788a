#include "gateway/gateway_figures.h"

#include <utility>

namespace souvenir::gateway {

std::vector<ModelFigures> CollectModelFigures(const Catalog& catalog) {
  std::vector<ModelFigures> models;
  for (const auto& [name, counters] : catalog.counters()) {
    if (!counters->asked()) continue;
    ModelFigures figures{.model = name, .saved = counters->saved()};
    for (size_t kind = 0; kind < kCacheKinds; ++kind) {
      figures.rows[kind] = counters->rows(static_cast<CacheKind>(kind));
    }
    models.push_back(std::move(figures));
  }
  return models;
}

GatewayFigures CollectFigures(const Catalog& catalog, const cache::TieredCache& cache,
                              const Resolver& resolver) {
  return {.models = CollectModelFigures(catalog),
          .memory = cache.memory().stats(),
          .disk = cache.disk_stats(),
          .disk_healthy = cache.is_disk_healthy(),
          .flights = resolver.flights(),
          .lanes = resolver.lanes().stats()};
}

}  // namespace souvenir::gateway
