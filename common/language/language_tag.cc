#include "common/language/language_tag.h"

#include <fmt/format.h>
#include <unicode/uloc.h>

#include <algorithm>

#include "absl/strings/ascii.h"

namespace souvenir {
namespace {

// Returns true if `tag` has only the characters of a tag. ICU does not check this everywhere, and
// reads only up to a NUL.
bool IsSpelledAsTag(std::string_view tag) {
  return std::all_of(tag.begin(), tag.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-';
  });
}

}  // namespace

std::optional<std::string> CanonicalLanguageTag(std::string_view tag) {
  // ICU accepts an empty tag as the root language.
  if (tag.empty() || tag.size() > ULOC_FULLNAME_CAPACITY || !IsSpelledAsTag(tag)) {
    return std::nullopt;
  }
  char locale[ULOC_FULLNAME_CAPACITY];
  char canonical[ULOC_FULLNAME_CAPACITY];
  UErrorCode error = U_ZERO_ERROR;
  int32_t parsed = 0;
  uloc_forLanguageTag(std::string(tag).c_str(), locale, sizeof(locale), &parsed, &error);
  if (U_FAILURE(error) || error == U_STRING_NOT_TERMINATED_WARNING ||
      static_cast<size_t>(parsed) != tag.size()) {
    return std::nullopt;
  }
  const int32_t size =
      uloc_toLanguageTag(locale, canonical, sizeof(canonical), /*strict=*/1, &error);
  if (U_FAILURE(error) || error == U_STRING_NOT_TERMINATED_WARNING) return std::nullopt;
  return std::string(canonical, static_cast<size_t>(size));
}

absl::StatusOr<std::string> CheckedLanguageTag(std::string_view tag, std::string_view field) {
  std::optional<std::string> canonical = CanonicalLanguageTag(tag);
  if (canonical) return *std::move(canonical);
  return absl::InvalidArgumentError(fmt::format(
      "{} '{}' is not a language tag; a BCP-47 tag is expected, as in 'en' or 'pt-BR'", field,
      // Cut, because the field may hold anything; a tag cannot be longer.
      tag.substr(0, 64)));
}

std::string_view WithoutLastSubtag(std::string_view tag) {
  const size_t dash = tag.rfind('-');
  return dash == std::string_view::npos ? std::string_view() : tag.substr(0, dash);
}

std::string WithLikelyRegion(std::string_view language) {
  char locale[ULOC_FULLNAME_CAPACITY];
  char region[ULOC_COUNTRY_CAPACITY];
  UErrorCode error = U_ZERO_ERROR;
  uloc_addLikelySubtags(std::string(language).c_str(), locale, sizeof(locale), &error);
  if (U_FAILURE(error) || error == U_STRING_NOT_TERMINATED_WARNING) return "";
  uloc_getCountry(locale, region, sizeof(region), &error);
  if (U_FAILURE(error) || region[0] == '\0') return "";
  return fmt::format("{}-{}", language, region);
}

}  // namespace souvenir
