#include "cli/half.h"

#include <gtest/gtest.h>

#include <cmath>

namespace souvenir::cli {
namespace {

TEST(HalfTest, KnowsItsLandmarks) {
  EXPECT_EQ(HalfToFloat(0x3C00), 1.0F);
  EXPECT_EQ(HalfToFloat(0xC000), -2.0F);
  EXPECT_EQ(HalfToFloat(0x7BFF), 65504.0F);  // the greatest
  EXPECT_EQ(HalfToFloat(0x0001), 0x1p-24F);  // the least
  EXPECT_EQ(HalfToFloat(0x7C00), INFINITY);
  EXPECT_TRUE(std::isnan(HalfToFloat(0x7E00)));
}

TEST(HalfTest, EveryValueComesBack) {
  for (int bits = 0; bits <= 0xFFFF; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = HalfToFloat(half);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(value)))) << bits;
    } else {
      EXPECT_EQ(FloatToHalf(value), half);
    }
  }
}

TEST(HalfTest, RoundsToTheNearestAndThenToTheEvenOne) {
  EXPECT_EQ(FloatToHalf(65519.0F), 0x7BFF);
  EXPECT_EQ(FloatToHalf(65520.0F), 0x7C00);
  EXPECT_EQ(FloatToHalf(1.0F + 0x1p-11F), 0x3C00);      // half way: down to the even one
  EXPECT_EQ(FloatToHalf(1.0F + 3 * 0x1p-11F), 0x3C02);  // half way: up to the even one
  EXPECT_EQ(FloatToHalf(2.0F - 0x1p-12F), 0x4000);      // carries
  EXPECT_EQ(FloatToHalf(0x1p-14F - 0x1p-26F), 0x0400);  // from the subnormal to the normal
}

TEST(BfloatTest, IsTheUpperHalfRounded) {
  EXPECT_EQ(BfloatToFloat(0x3F80), 1.0F);
  EXPECT_EQ(FloatToBfloat(1.0F), 0x3F80);
  EXPECT_EQ(FloatToBfloat(1.0F + 0x1p-8F), 0x3F80);
  EXPECT_EQ(FloatToBfloat(1.0F + 3 * 0x1p-8F), 0x3F82);
  EXPECT_TRUE(std::isnan(BfloatToFloat(FloatToBfloat(NAN))));
  EXPECT_EQ(FloatToBfloat(-INFINITY), 0xFF80);
}

}  // namespace
}  // namespace souvenir::cli
