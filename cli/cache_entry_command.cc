#include "cli/cache_entry_command.h"

#include <fmt/format.h>

#include <memory>

#include "cli/cache_kind.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/printable.h"
#include "cli/table.h"
#include "cli/time_conversion.h"
#include "souvenir/v1/cache.grpc.pb.h"

namespace souvenir::cli {
namespace {

std::string Date(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", time, absl::UTCTimeZone());
}

}  // namespace

std::string RenderEntry(const souvenir::v1::GetEntryResponse& entry, absl::Time now) {
  Table table({Table::Align::kLeft, Table::Align::kLeft});
  table.Add({"key", Printable(entry.key())});
  table.Add({"tier", CacheKindName(entry.tier())});
  table.Add({"model", Printable(entry.model())});
  if (!entry.tenant().empty()) table.Add({"tenant", Printable(entry.tenant())});
  table.Add({"size", HumanBytes(entry.value_bytes())});
  const absl::Time created = FromProto(entry.created_at());
  table.Add({"created", fmt::format("{} ({} ago)", Date(created), HumanDuration(now - created))});
  if (!entry.has_expires_at()) {
    table.Add({"expires", "never"});
  } else {
    const absl::Time expires = FromProto(entry.expires_at());
    table.Add({"expires", expires > now ? fmt::format("{} (in {})", Date(expires),
                                                      HumanDuration(expires - now))
                                        : Date(expires) + " (it has)"});
  }
  table.Add({"cost", HumanDuration(FromProto(entry.compute_time()))});
  for (const std::string& tag : entry.tags()) table.Add({"tag", Printable(tag)});
  if (!entry.value().empty()) table.Add({"value", Printable(entry.value())});
  return table.Render();
}

Outcome CacheEntry(const CacheEntryOptions& options, const Settings& settings, Console& console) {
  souvenir::v1::GetEntryRequest request;
  request.set_key(options.key);
  request.set_with_value(options.with_value);
  Connection connection(settings.ToAdmin(), console.clock);
  const auto stub = souvenir::v1::CacheService::NewStub(connection.channel());
  souvenir::v1::GetEntryResponse entry;
  Outcome outcome = connection.Call(
      [&](grpc::ClientContext* context) { return stub->GetEntry(context, request, &entry); });
  if (!outcome.ok()) return outcome;
  console.out << (settings.json ? ToJson(entry) + "\n" : RenderEntry(entry, console.clock->Now()));
  return {};
}

}  // namespace souvenir::cli
