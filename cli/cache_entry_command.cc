#include "cli/cache_entry_command.h"

#include <fmt/format.h>

#include <memory>
#include <string_view>

#include "cli/cache_kind.h"
#include "cli/connection.h"
#include "cli/json.h"
#include "cli/printable.h"
#include "cli/table.h"
#include "cli/tensor_view.h"
#include "cli/time_conversion.h"
#include "common/status_macros.h"
#include "common/tensor/tensor_codec.h"
#include "souvenir/v1/cache.grpc.pb.h"

namespace souvenir::cli {
namespace {

constexpr size_t kMostElementsShown = 1000;  // of an output

std::string Date(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", time, absl::UTCTimeZone());
}

std::string CodeName(int code) {
  return absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
}

absl::StatusOr<DecodedTensors> Decode(std::string_view value) {
  SOUVENIR_ASSIGN_OR_RETURN(DecodedTensors outputs, DecodedTensors::Decode(value));
  for (size_t i = 0; i < outputs.size(); ++i) {
    SOUVENIR_RETURN_IF_ERROR(ValidateTensor(outputs[i]));
  }
  return outputs;
}

std::string RenderValue(std::string_view value) {
  if (value.empty()) return "";
  const auto outputs = Decode(value);
  if (!outputs.ok())
    return "a value that this client cannot read: the gateway is of another version\n";
  std::string out;
  for (size_t i = 0; i < outputs->size(); ++i) {
    out += TensorTitle((*outputs)[i]) + "\n" + TensorText((*outputs)[i], 2, kMostElementsShown);
  }
  return out;
}

// Returns the message as JSON, with "outputs" beside the encoded "value".
std::string RenderJson(const souvenir::v1::GetEntryResponse& entry) {
  std::string json = ToJson(entry);
  const auto outputs = Decode(entry.value());
  if (entry.value().empty() || !outputs.ok()) return json + "\n";
  std::string tensors;
  for (size_t i = 0; i < outputs->size(); ++i) {
    if (i > 0) tensors += ',';
    tensors += TensorJson((*outputs)[i]);
  }
  json.pop_back();  // the brace that ends it
  return fmt::format("{},\"outputs\":[{}]}}\n", json, tensors);
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
  if (entry.has_refusal()) {
    table.Add({"refusal", fmt::format("{}: {}", CodeName(entry.refusal().code()),
                                      Printable(entry.refusal().message()))});
  }
  return table.Render() + RenderValue(entry.value());
}

Outcome CacheEntry(const CacheEntryOptions& options, const Settings& settings, Console& console) {
  souvenir::v1::GetEntryRequest request;
  request.set_key(options.key);
  request.set_with_value(options.with_value);
  Connection connection(settings.ToAdmin(), souvenir::v1::CacheService::service_full_name(),
                        console.clock);
  const auto stub = souvenir::v1::CacheService::NewStub(connection.channel());
  souvenir::v1::GetEntryResponse entry;
  Outcome outcome = connection.Call(
      [&](grpc::ClientContext* context) { return stub->GetEntry(context, request, &entry); });
  if (!outcome.ok()) return outcome;
  console.out << (settings.json ? RenderJson(entry) : RenderEntry(entry, console.clock->Now()));
  return {};
}

}  // namespace souvenir::cli
