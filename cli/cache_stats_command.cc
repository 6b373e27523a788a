#include "cli/cache_stats_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "cli/cache_kind.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/printable.h"
#include "cli/table.h"
#include "cli/time_conversion.h"
#include "souvenir/v1/stats.grpc.pb.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::CacheKind;
using souvenir::v1::GetStatsResponse;
using souvenir::v1::TierStats;

using Counts = std::map<CacheKind, uint64_t>;

uint64_t Of(const Counts& counts, CacheKind kind) {
  const auto found = counts.find(kind);
  return found == counts.end() ? 0 : found->second;
}

uint64_t Rows(const Counts& counts) {
  uint64_t rows = 0;
  for (const auto& [kind, count] : counts) rows += count;
  return rows;
}

std::string HitRatio(const Counts& counts) {
  uint64_t hits = 0;
  for (const CacheKind kind : {souvenir::v1::CACHE_KIND_MEMORY, souvenir::v1::CACHE_KIND_DISK,
                               souvenir::v1::CACHE_KIND_SHARED, souvenir::v1::CACHE_KIND_STALE,
                               souvenir::v1::CACHE_KIND_NEGATIVE}) {
    hits += Of(counts, kind);
  }
  return HumanShare(hits, Rows(counts) - Of(counts, souvenir::v1::CACHE_KIND_BYPASS));
}

// Returns a table with a line for each model and one for all. Kinds that did not occur have no
// column.
std::string RenderModels(const GetStatsResponse& stats) {
  Counts total;
  std::vector<std::pair<std::string, Counts>> models;
  for (const auto& model : stats.models()) {
    Counts counts;
    for (const auto& lookup : model.lookups()) {
      counts[lookup.kind()] += lookup.rows();
      total[lookup.kind()] += lookup.rows();
    }
    models.emplace_back(Printable(model.model()), std::move(counts));
  }
  if (models.empty()) return "No model has been asked yet.\n";

  std::vector<Table::Align> columns(total.size() + 4, Table::Align::kRight);
  columns[0] = Table::Align::kLeft;
  Table table(columns);
  std::vector<std::string> header = {"model", "rows"};
  for (const auto& [kind, rows] : total) header.push_back(CacheKindName(kind));
  header.emplace_back("hit ratio");
  header.emplace_back("saved");
  table.Add(header);

  const auto add = [&](const std::string& name, const Counts& counts, absl::Duration saved) {
    std::vector<std::string> cells = {name, fmt::format("{}", Rows(counts))};
    for (const auto& [kind, rows] : total) cells.push_back(fmt::format("{}", Of(counts, kind)));
    cells.push_back(HitRatio(counts));
    cells.push_back(HumanDuration(saved));
    table.Add(std::move(cells));
  };
  for (int i = 0; i < stats.models_size(); ++i) {
    const auto& [name, counts] = models[static_cast<size_t>(i)];
    add(name, counts, FromProto(stats.models(i).saved_compute_time()));
  }
  add("all", total, FromProto(stats.saved_compute_time()));
  return table.Render();
}

std::string RenderTiers(const GetStatsResponse& stats) {
  std::vector<Table::Align> columns(7, Table::Align::kRight);
  columns[0] = Table::Align::kLeft;
  Table table(columns);
  table.Add({"tier", "entries", "size", "limit", "evicted", "to write", "not written"});
  const auto add = [&](const std::string& name, const TierStats& tier) {
    table.Add({name, fmt::format("{}", tier.entries()), HumanBytes(tier.bytes()),
               HumanBytes(tier.limit_bytes()), fmt::format("{}", tier.evictions()),
               fmt::format("{}", tier.pending_writes()), fmt::format("{}", tier.dropped_writes())});
  };
  if (stats.has_memory()) add("memory", stats.memory());
  if (stats.has_disk()) add("disk", stats.disk());
  std::string out = table.Render();
  if (const uint64_t bytes = stats.memory().bookkeeping_bytes(); bytes > 0) {
    out += fmt::format("The size in memory includes {} of tables beside the entries.\n",
                       HumanBytes(bytes));
  }
  if (stats.disk_health() == souvenir::v1::DISK_HEALTH_DEGRADED) {
    out += "The disk does not answer: memory only, until it does again.\n";
  } else if (!stats.has_disk()) {
    out += "No disk tier: answers are forgotten when the gateway stops.\n";
  }
  return out;
}

}  // namespace

std::string RenderStats(const GetStatsResponse& stats, absl::Time now) {
  const absl::Time start = FromProto(stats.started_at());
  return fmt::format("Since {} ({} ago)\n\n{}\n{}\nFlights: {} started, {} joined, {} under way\n",
                     absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", start, absl::UTCTimeZone()),
                     HumanDuration(std::max(now - start, absl::ZeroDuration())),
                     RenderModels(stats), RenderTiers(stats), stats.flights().started(),
                     stats.flights().joined(), stats.flights().in_progress());
}

Outcome CacheStats(const Settings& settings, Console& console) {
  Connection connection(settings.ToServer(), souvenir::v1::StatsService::service_full_name(),
                        console.clock);
  const auto stub = souvenir::v1::StatsService::NewStub(connection.channel());
  GetStatsResponse stats;
  Outcome outcome = connection.Call(
      [&](grpc::ClientContext* context) { return stub->GetStats(context, {}, &stats); });
  if (!outcome.ok()) return outcome;
  console.out << (settings.json ? ToJson(stats) + "\n" : RenderStats(stats, console.clock->Now()));
  return {};
}

}  // namespace souvenir::cli
