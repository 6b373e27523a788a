#include "common/language/language_tag.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tests/fuzz/require.h"

namespace souvenir {
namespace {

bool IsSpelledAsTag(std::string_view tag) {
  return std::all_of(tag.begin(), tag.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

void Try(std::string_view tag) {
  const std::optional<std::string> canonical = CanonicalLanguageTag(tag);
  if (!canonical) return;
  Require(!canonical->empty(), "a tag is not empty");
  Require(IsSpelledAsTag(tag) && IsSpelledAsTag(*canonical),
          "a tag is letters, digits and hyphens");
  const std::optional<std::string> again = CanonicalLanguageTag(*canonical);
  Require(again.has_value(), "a canonical tag is a tag");
  Require(*again == *canonical, "a canonical tag is canonical");
}

}  // namespace
}  // namespace souvenir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
