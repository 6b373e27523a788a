#include "cli/half.h"

#include <bit>
#include <cmath>

namespace souvenir::cli {
namespace {

constexpr int kHalfBias = 15;
constexpr int kHalfFraction = 10;  // bits
constexpr uint16_t kHalfInfinity = 0x7C00;
constexpr float kHalfOverflow = 65520;       // half way from the greatest value to the next
constexpr float kHalfLeastNormal = 0x1p-14;  // below, the exponent stays and the fraction shrinks
constexpr uint16_t kQuietNan = 0x0040;       // in the fraction of BF16

}  // namespace

float HalfToFloat(uint16_t bits) {
  const int exponent = (bits >> kHalfFraction) & 0x1F;
  const int fraction = bits & 0x3FF;
  float value = 0;
  if (exponent == 0x1F) {
    value = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(fraction), 1 - kHalfBias - kHalfFraction);
  } else {
    value = std::ldexp(static_cast<float>(0x400 + fraction), exponent - kHalfBias - kHalfFraction);
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

float BfloatToFloat(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

uint16_t FloatToHalf(float value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const float size = std::fabs(value);
  if (std::isnan(value)) return sign | kHalfInfinity | 0x200;
  if (size >= kHalfOverflow) return sign | kHalfInfinity;
  if (size < kHalfLeastNormal) {
    const float fraction = std::nearbyint(std::ldexp(size, kHalfBias - 1 + kHalfFraction));
    return static_cast<uint16_t>(sign | static_cast<int>(fraction));
  }
  const int exponent = std::ilogb(size);
  const int fraction = static_cast<int>(std::nearbyint(std::ldexp(size, kHalfFraction - exponent)));
  // A fraction that was rounded up to the next power of two carries into the exponent.
  return static_cast<uint16_t>(sign |
                               (((exponent + kHalfBias) << kHalfFraction) + (fraction - 0x400)));
}

uint16_t FloatToBfloat(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | kQuietNan);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

}  // namespace souvenir::cli
