#pragma once

#include <cstdint>
#include <string_view>

namespace souvenir {

// TakeCodePoint() returns this for bytes that are not UTF-8.
inline constexpr uint32_t kNoCodePoint = 0xFFFFFFFF;

// Removes the first code point from `text` and returns it. Returns kNoCodePoint if `text` does not
// begin with UTF-8, and then removes nothing. REQUIRES: `text` is not empty.
uint32_t TakeCodePoint(std::string_view* text);

}  // namespace souvenir
