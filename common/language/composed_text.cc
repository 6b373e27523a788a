#include "common/language/composed_text.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>

#include <climits>
#include <cstdint>
#include <cstring>

namespace souvenir {
namespace {

// Checks eight bytes at a time.
bool IsAscii(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  uint64_t seen = 0;
  while (text.size() >= sizeof(uint64_t)) {
    uint64_t word;
    std::memcpy(&word, text.data(), sizeof(word));
    seen |= word;
    text.remove_prefix(sizeof(word));
  }
  for (const char byte : text) seen |= static_cast<unsigned char>(byte);
  return (seen & kHighBits) == 0;
}

// Returns ICU's instance, which is never destroyed, or null if ICU has no data.
const icu::Normalizer2* FormC() {
  static const icu::Normalizer2* const form = [] {
    UErrorCode error = U_ZERO_ERROR;
    const icu::Normalizer2* const nfc = icu::Normalizer2::getNFCInstance(error);
    return U_SUCCESS(error) ? nfc : nullptr;
  }();
  return form;
}

}  // namespace

std::optional<std::string> ComposedText(std::string_view text) {
  if (IsAscii(text) || text.size() > INT32_MAX / 3) return std::nullopt;
  const icu::Normalizer2* const form = FormC();
  if (form == nullptr) return std::nullopt;
  const icu::StringPiece piece(text.data(), static_cast<int32_t>(text.size()));
  UErrorCode error = U_ZERO_ERROR;
  if (form->isNormalizedUTF8(piece, error) || U_FAILURE(error)) return std::nullopt;
  std::string composed;
  icu::StringByteSink<std::string> sink(&composed, static_cast<int32_t>(text.size()));
  form->normalizeUTF8(/*options=*/0, piece, sink, /*edits=*/nullptr, error);
  if (U_FAILURE(error) || composed == text) return std::nullopt;
  return composed;
}

}  // namespace souvenir
