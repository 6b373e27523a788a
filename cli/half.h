#pragma once

#include <cstdint>

namespace souvenir::cli {

// Convert the datatypes FP16 (IEEE 754 binary16) and BF16 (the upper half of a binary32), whose
// bits are in a uint16_t.
float HalfToFloat(uint16_t bits);
float BfloatToFloat(uint16_t bits);

// These round to the nearest value, and to the even one of two that are as near. Numbers beyond the
// range become infinity.
uint16_t FloatToHalf(float value);
uint16_t FloatToBfloat(float value);

}  // namespace souvenir::cli
