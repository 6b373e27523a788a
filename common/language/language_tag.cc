#include "common/language/language_tag.h"

#include <unicode/uloc.h>

namespace souvenir {

std::optional<std::string> CanonicalLanguageTag(std::string_view tag) {
  // ICU takes an empty tag for the root language, and reads up to a NUL.
  if (tag.empty() || tag.size() > ULOC_FULLNAME_CAPACITY || tag.find('\0') != tag.npos) {
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

}  // namespace souvenir
