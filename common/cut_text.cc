#include "common/cut_text.h"

namespace souvenir {

std::string_view CutText(std::string_view text, size_t most_bytes) {
  if (text.size() <= most_bytes) return text;
  size_t end = most_bytes;
  // A byte of this form continues a character.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

std::string Shortened(std::string_view text, size_t most_bytes) {
  const std::string_view kept = CutText(text, most_bytes);
  return kept.size() == text.size() ? std::string(text) : std::string(kept) + "...";
}

}  // namespace souvenir
