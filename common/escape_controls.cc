#include "common/escape_controls.h"

#include <fmt/format.h>

#include "common/code_point.h"

namespace souvenir {

void AppendEscaped(uint32_t code_point, std::string* out) {
  switch (code_point) {
    case '\n':
      *out += "\\n";
      return;
    case '\r':
      *out += "\\r";
      return;
    case '\t':
      *out += "\\t";
      return;
    default:
      *out += code_point < 0x100 ? fmt::format("\\x{:02x}", code_point)
                                 : fmt::format("\\u{:04x}", code_point);
  }
}

std::string EscapeControls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    // No byte of a longer character of UTF-8 is C0 or DEL, and 0xC2 only begins characters.
    const auto byte = static_cast<uint8_t>(text[i]);
    const auto next = static_cast<uint8_t>(i + 1 < text.size() ? text[i + 1] : 0);
    if (byte < 0x20 || byte == 0x7F) {
      AppendEscaped(byte, &out);
    } else if (byte == 0xC2 && next >= 0x80 && next < 0xA0) {
      AppendEscaped(next, &out);  // C1
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string EscapeInvalid(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    if (TakeCodePoint(&text) == kNoCodePoint) {
      AppendEscaped(static_cast<uint8_t>(text.front()), &out);
      text.remove_prefix(1);
    } else {
      out += before.substr(0, before.size() - text.size());
    }
  }
  return out;
}

}  // namespace souvenir
