#pragma once

#include <cstdint>

namespace souvenir::cli {

// The datatypes FP16 (IEEE 754 binary16) and BF16 (the upper half of a binary32), of their bits.
float HalfToFloat(uint16_t bits);
float BfloatToFloat(uint16_t bits);

// The nearest value there is, the even one of two that are as near; infinity beyond the range.
uint16_t FloatToHalf(float value);
uint16_t FloatToBfloat(float value);

}  // namespace souvenir::cli
