#include "common/model_name.h"

#include <fmt/format.h>

#include <cstdint>

#include "absl/strings/escaping.h"

namespace souvenir {
namespace {

constexpr size_t kMostShownBytes = 80;
constexpr uint32_t kInvalid = 0xFFFFFFFF;

// Removes the first code point from `text` and returns it; returns kInvalid if it is not UTF-8.
uint32_t TakeCodePoint(std::string_view* text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>((*text)[i]); };
  const uint8_t first = byte(0);
  const size_t length = first < 0x80   ? 1
                        : first < 0xC2 ? 0
                        : first < 0xE0 ? 2
                        : first < 0xF0 ? 3
                        : first < 0xF5 ? 4
                                       : 0;
  if (length == 0 || text->size() < length) return kInvalid;
  uint32_t point = length == 1 ? first : first & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return kInvalid;
    point = point << 6 | (byte(i) & 0x3Fu);
  }
  text->remove_prefix(length);
  // Refuses encodings longer than needed, halves of surrogate pairs, and numbers beyond Unicode.
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  if (overlong || (point >= 0xD800 && point < 0xE000) || point > 0x10FFFF) return kInvalid;
  return point;
}

bool IsControl(uint32_t point) {
  return point < 0x20 || (point >= 0x7F && point < 0xA0) || point == 0x2028 || point == 0x2029;
}

}  // namespace

std::string_view FaultOfName(std::string_view name) {
  while (!name.empty()) {
    const uint32_t point = TakeCodePoint(&name);
    if (point == kInvalid) return "it is not UTF-8";
    if (IsControl(point)) return "it has a control character";
  }
  return "";
}

absl::Status CheckModelName(std::string_view name) {
  const auto refused = [&](std::string_view what) {
    return absl::InvalidArgumentError(fmt::format("'{}' is no name: {}", EscapedName(name), what));
  };
  if (name.empty()) return absl::InvalidArgumentError("the name is empty");
  if (name.size() > kMostNameBytes) {
    return refused(
        fmt::format("it has {} bytes, and the limit is {}", name.size(), kMostNameBytes));
  }
  const std::string_view fault = FaultOfName(name);
  return fault.empty() ? absl::OkStatus() : refused(fault);
}

std::string EscapedName(std::string_view name) {
  const bool cut = name.size() > kMostShownBytes;
  const std::string_view shown = name.substr(0, kMostShownBytes);
  return absl::CHexEscape(absl::string_view(shown.data(), shown.size())) + (cut ? "..." : "");
}

}  // namespace souvenir
