#include <cstdint>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "gateway/resolve/directives.h"
#include "tests/fuzz/require.h"

namespace souvenir::gateway {
namespace {

bool Same(const CacheDirectives& a, const CacheDirectives& b) {
  return a.no_cache == b.no_cache && a.no_store == b.no_store &&
         a.only_if_cached == b.only_if_cached && a.max_age == b.max_age &&
         a.stale_while_revalidate == b.stale_while_revalidate &&
         a.stale_if_error == b.stale_if_error;
}

// Returns a header with these directives.
std::string Spell(const CacheDirectives& directives) {
  std::string header;
  const auto add = [&](const std::string& directive) {
    if (!header.empty()) header += ", ";
    header += directive;
  };
  const auto seconds = [](absl::Duration duration) {
    return std::to_string(absl::ToInt64Seconds(duration));
  };
  if (directives.no_cache) add("no-cache");
  if (directives.no_store) add("no-store");
  if (directives.only_if_cached) add("only-if-cached");
  if (directives.max_age != absl::InfiniteDuration()) add("max-age=" + seconds(directives.max_age));
  if (directives.stale_while_revalidate) {
    add("stale-while-revalidate=" + seconds(*directives.stale_while_revalidate));
  }
  if (directives.stale_if_error) add("stale-if-error=" + seconds(*directives.stale_if_error));
  return header;
}

void Try(std::string_view header) {
  const auto directives = ParseCacheControl(header);
  const auto upper =
      ParseCacheControl(absl::AsciiStrToUpper(absl::string_view(header.data(), header.size())));
  Require(upper.ok() == directives.ok(), "upper case is accepted alike");
  if (!directives.ok()) {
    Require(absl::IsInvalidArgument(directives.status()), "an error is INVALID_ARGUMENT");
    Require(!directives.status().message().empty(), "an error has a message");
    return;
  }
  Require(Same(*upper, *directives), "upper case means the same");
  const auto again = ParseCacheControl(Spell(*directives));
  Require(again.ok() && Same(*again, *directives), "writing and parsing keep the directives");
}

}  // namespace
}  // namespace souvenir::gateway

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::gateway::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
