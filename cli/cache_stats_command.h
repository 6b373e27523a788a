#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"
#include "souvenir/v1/stats.pb.h"

namespace souvenir::cli {

// What the gateway has answered since it started, and from where.
Outcome CacheStats(const Settings& settings, Console& console);

// As a person reads it. The hit ratio is the share of rows answered from what was kept (memory,
// disk, shared, stale and remembered errors) among all rows that were looked up; those that asked
// to pass by the cache are left out. `now` dates the start.
std::string RenderStats(const souvenir::v1::GetStatsResponse& stats, absl::Time now);

}  // namespace souvenir::cli
