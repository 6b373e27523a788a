#include "common/escape_controls.h"

#include <fmt/format.h>

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
  for (const char c : text) {
    // No byte of a longer character of UTF-8 is one of these.
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte == 0x7F) {
      AppendEscaped(byte, &out);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace souvenir
