#include "common/code_point.h"

#include <cstddef>

namespace souvenir {

uint32_t TakeCodePoint(std::string_view* text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>((*text)[i]); };
  const uint8_t first = byte(0);
  const size_t length = first < 0x80   ? 1
                        : first < 0xC2 ? 0
                        : first < 0xE0 ? 2
                        : first < 0xF0 ? 3
                        : first < 0xF5 ? 4
                                       : 0;
  if (length == 0 || text->size() < length) return kNoCodePoint;
  uint32_t point = length == 1 ? first : first & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return kNoCodePoint;
    point = point << 6 | (byte(i) & 0x3Fu);
  }
  // Refuses encodings longer than needed, halves of surrogate pairs, and numbers beyond Unicode.
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  if (overlong || (point >= 0xD800 && point < 0xE000) || point > 0x10FFFF) return kNoCodePoint;
  text->remove_prefix(length);
  return point;
}

}  // namespace souvenir
