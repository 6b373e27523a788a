#pragma once

#include <vector>

#include "absl/time/time.h"
#include "cache/flights.h"
#include "cache/tier.h"
#include "cache/tiered_cache.h"
#include "common/clock.h"
#include "gateway/catalog/catalog.h"
#include "gateway/resolve/deserted_work.h"
#include "gateway/upstream/upstream.h"

namespace souvenir::gateway {

// The objects that the parts of the cached path work with. The resolver owns it, and outlives them.
struct ResolveContext {
  Clock* clock;
  cache::TieredCache* cache;        // stores computed answers
  std::vector<cache::Tier*> tiers;  // asked in this order
  cache::FlightTable* flights;
  Upstream* upstream;
  Catalog* catalog;
  DesertedWork* deserted;
  absl::Duration call_timeout;  // of one upstream call
};

}  // namespace souvenir::gateway
