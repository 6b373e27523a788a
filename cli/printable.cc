#include "cli/printable.h"

#include <fmt/format.h>
#include <unicode/utf8.h>

#include <array>
#include <iterator>

#include "common/escape_controls.h"

namespace souvenir::cli {
namespace {

// Decodes the code point at `*offset` and moves behind it. Returns a negative number, and moves one
// byte, if there is no valid one.
UChar32 NextCodePoint(std::string_view text, size_t* offset) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  auto position = static_cast<int64_t>(*offset);
  const auto length = static_cast<int64_t>(text.size());
  UChar32 code_point = 0;
  U8_NEXT(bytes, position, length, code_point);
  *offset = code_point < 0 ? *offset + 1 : static_cast<size_t>(position);
  return code_point;
}

bool IsObeyed(UChar32 code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) || code_point == 0x061C ||
         (code_point >= 0x200E && code_point <= 0x200F) ||
         (code_point >= 0x2028 && code_point <= 0x202E) ||
         (code_point >= 0x2066 && code_point <= 0x2069);
}

void AppendPrintable(std::string_view text, std::string* out) {
  for (size_t offset = 0; offset < text.size();) {
    const size_t start = offset;
    const UChar32 code_point = NextCodePoint(text, &offset);
    if (code_point < 0) {
      AppendEscaped(static_cast<uint8_t>(text[start]), out);
    } else if (IsObeyed(code_point)) {
      AppendEscaped(static_cast<uint32_t>(code_point), out);
    } else {
      out->append(text.substr(start, offset - start));
    }
  }
}

}  // namespace

std::optional<size_t> FindInvalidUtf8(std::string_view text) {
  for (size_t offset = 0; offset < text.size();) {
    const size_t start = offset;
    if (NextCodePoint(text, &offset) < 0) return start;
  }
  return std::nullopt;
}

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  AppendPrintable(text, &out);
  return out;
}

std::string PrintableLines(std::string_view text, size_t indent) {
  std::string out;
  for (;;) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (end != std::string_view::npos && line.ends_with('\r')) line.remove_suffix(1);
    AppendPrintable(line, &out);
    if (end == std::string_view::npos) return out;
    out += '\n';
    text.remove_prefix(end + 1);
    if (!text.empty() && text.front() != '\n') out.append(indent, ' ');
  }
}

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (size_t offset = 0; offset < text.size();) {
    const size_t start = offset;
    const UChar32 code_point = NextCodePoint(text, &offset);
    if (code_point == '"' || code_point == '\\') {
      out += {'\\', static_cast<char>(code_point)};
    } else if (code_point == '\n') {
      out += "\\n";
    } else if (code_point < 0 || IsObeyed(code_point)) {
      out += fmt::format("\\u{:04x}", code_point < 0 ? 0xFFFD : code_point);
    } else {
      out.append(text.substr(start, offset - start));
    }
  }
  return out + '"';
}

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  for (const char byte : text) {
    if ((static_cast<uint8_t>(byte) & 0xC0) != 0x80) ++width;  // not a continuation byte
  }
  return width;
}

std::string PadRight(std::string text, size_t width) {
  const size_t has = DisplayWidth(text);
  if (has < width) text.append(width - has, ' ');
  return text;
}

std::string PadLeft(const std::string& text, size_t width) {
  const size_t has = DisplayWidth(text);
  return has < width ? std::string(width - has, ' ') + text : text;
}

std::string HumanDuration(absl::Duration duration) {
  const double seconds = absl::ToDoubleSeconds(duration);
  if (seconds < 0.9995e-3) return fmt::format("{:.0f} µs", seconds * 1e6);
  if (seconds < 99.95e-3) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 59.995) return fmt::format("{:.2f} s", seconds);
  const int64_t whole = absl::ToInt64Seconds(duration);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
}

std::string HumanBytes(uint64_t bytes) {
  static constexpr std::array<const char*, 6> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  auto amount = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  for (; amount >= 1023.95 && unit + 1 < kUnits.size(); ++unit) amount /= 1024;
  const bool round = amount == static_cast<double>(static_cast<uint64_t>(amount));
  return fmt::format("{:.{}f} {}", amount, round || amount >= 100 ? 0 : 1, kUnits[unit]);
}

std::string HumanShare(uint64_t part, uint64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.1f}%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace souvenir::cli
