#include "gateway/resolve/directives.h"

#include <fmt/format.h>

#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/status_macros.h"

namespace souvenir::gateway {
namespace {

constexpr char kKnown[] =
    "no-cache, no-store, only-if-cached, max-age=S, stale-while-revalidate=S, stale-if-error=S";

absl::Status Malformed(std::string_view directive, std::string_view why) {
  return absl::InvalidArgumentError(
      fmt::format("cache-control: '{}' {}; it may hold {}", directive, why, kKnown));
}

absl::StatusOr<absl::Duration> ParseSeconds(const std::string& directive,
                                            const std::string& value) {
  uint32_t seconds;
  if (!absl::SimpleAtoi(value, &seconds)) {
    return Malformed(directive, "needs a number of seconds, as in max-age=60");
  }
  return absl::Seconds(seconds);
}

}  // namespace

absl::StatusOr<CacheDirectives> ParseCacheControl(std::string_view header) {
  CacheDirectives directives;
  std::set<std::string> seen;
  for (const absl::string_view part :
       absl::StrSplit(absl::string_view(header.data(), header.size()), ',')) {
    const std::string directive =
        absl::AsciiStrToLower(absl::StripAsciiWhitespace(absl::string_view(part)));
    const size_t equals = directive.find('=');
    const std::string name = directive.substr(0, equals);
    const bool has_value = equals != std::string::npos;
    const std::string value = has_value ? directive.substr(equals + 1) : "";
    if (!seen.insert(name).second) return Malformed(directive, "comes twice");

    const auto flag = [&](bool* target) {
      if (has_value) return Malformed(directive, "takes no value");
      *target = true;
      return absl::OkStatus();
    };
    const auto seconds = [&](auto* target) -> absl::Status {
      SOUVENIR_ASSIGN_OR_RETURN(*target, ParseSeconds(directive, value));
      return absl::OkStatus();
    };
    if (name == "no-cache") {
      SOUVENIR_RETURN_IF_ERROR(flag(&directives.no_cache));
    } else if (name == "no-store") {
      SOUVENIR_RETURN_IF_ERROR(flag(&directives.no_store));
    } else if (name == "only-if-cached") {
      SOUVENIR_RETURN_IF_ERROR(flag(&directives.only_if_cached));
    } else if (name == "max-age") {
      SOUVENIR_RETURN_IF_ERROR(seconds(&directives.max_age));
    } else if (name == "stale-while-revalidate") {
      SOUVENIR_RETURN_IF_ERROR(seconds(&directives.stale_while_revalidate));
    } else if (name == "stale-if-error") {
      SOUVENIR_RETURN_IF_ERROR(seconds(&directives.stale_if_error));
    } else {
      return Malformed(directive, "is an unknown directive");
    }
  }
  if (directives.only_if_cached && directives.skip_lookup()) {
    return Malformed(header, "asks for a cached answer and forbids it");
  }
  return directives;
}

}  // namespace souvenir::gateway
