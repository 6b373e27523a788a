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

// Returns true if the tag has a subtag of one character, which begins an extension.
bool HasExtension(std::string_view tag) {
  for (size_t begin = 0; begin <= tag.size();) {
    const size_t end = std::min(tag.find('-', begin), tag.size());
    if (end - begin == 1) return true;
    begin = end + 1;
  }
  return false;
}

void Try(std::string_view tag) {
  const std::optional<std::string> canonical = CanonicalLanguageTag(tag);
  if (!canonical) return;
  Require(!canonical->empty(), "a tag is not empty");
  Require(IsSpelledAsTag(tag) && IsSpelledAsTag(*canonical),
          "a tag consists of letters, digits and hyphens");
  // ICU 72 drops the value "true" of a `t` extension, and does not accept a key without a value.
  if (HasExtension(tag)) return;
  const std::optional<std::string> again = CanonicalLanguageTag(*canonical);
  Require(again.has_value(), "a canonical tag is valid");
  Require(*again == *canonical, "a canonical tag stays as it is");
}

}  // namespace
}  // namespace souvenir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
