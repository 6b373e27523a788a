#include "compute-service/backends/espeak-ng/spoken_text.h"

#include <fmt/format.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>
#include <optional>

#include "common/language/composed_text.h"

namespace souvenir::compute {
namespace {

bool IsObeyed(UChar32 c) {
  if (c == '\n' || c == '\t') return false;
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || U_IS_UNICODE_NONCHAR(c) ||
         u_charType(c) == U_PRIVATE_USE_CHAR;
}

}  // namespace

absl::StatusOr<std::string> SpokenText(std::string_view text) {
  const std::optional<std::string> composed = ComposedText(text);
  if (composed) text = *composed;
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  const auto size = static_cast<int32_t>(text.size());
  std::string spoken;
  spoken.reserve(text.size());
  bool any = false;
  for (int32_t at = 0; at < size;) {
    const int32_t begin = at;
    UChar32 c;
    U8_NEXT(bytes, at, size, c);
    if (c < 0) {
      return absl::InvalidArgumentError(
          fmt::format("TEXT is not UTF-8 at byte {} of {}", begin, size));
    }
    if (IsObeyed(c)) {
      spoken += ' ';
      continue;
    }
    any = any || u_isUWhiteSpace(c) == 0;
    spoken.append(text.substr(static_cast<size_t>(begin), static_cast<size_t>(at - begin)));
  }
  return any ? spoken : std::string();
}

}  // namespace souvenir::compute
