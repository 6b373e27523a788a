#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"
#include "souvenir/v1/stats.pb.h"

namespace souvenir::cli {

// Prints how many rows the gateway has answered since it started, and from where.
Outcome CacheStats(const Settings& settings, Console& console);

// Renders the statistics for a person. The hit ratio is the share of rows that memory, disk, a
// shared tier, a stale answer or a remembered error answered. It leaves out rows whose caller asked
// for a computation. `now` serves to say how long ago the start was.
std::string RenderStats(const souvenir::v1::GetStatsResponse& stats, absl::Time now);

}  // namespace souvenir::cli
