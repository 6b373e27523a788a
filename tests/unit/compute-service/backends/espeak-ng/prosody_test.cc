#include "compute-service/backends/espeak-ng/prosody.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace souvenir::compute {
namespace {

using ::testing::HasSubstr;

TEST(ProsodyTest, ARateIsAFactorOfTheEnginesNormalRate) {
  EXPECT_EQ(*WordsPerMinute(1), 175);
  EXPECT_EQ(*WordsPerMinute(2), 350);
  EXPECT_EQ(*WordsPerMinute(0.46F), 81);
  EXPECT_EQ(*WordsPerMinute(2.57F), 450);
}

TEST(ProsodyTest, ARateBeyondTheEnginesIsRefusedWithTheLimits) {
  for (const float rate : {0.45F, 2.58F, 0.0F, -1.0F, std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::quiet_NaN()}) {
    const absl::Status status = WordsPerMinute(rate).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << rate;
    EXPECT_THAT(std::string(status.message()), HasSubstr("from 0.46 to 2.57")) << rate;
  }
}

TEST(ProsodyTest, APitchIsTheNearestOfTheEnginesTable) {
  EXPECT_EQ(*EnginePitch(0), 50);
  EXPECT_EQ(*EnginePitch(-6.5F), 2);
  EXPECT_EQ(*EnginePitch(8), 97);
  int last = -1;
  for (float semitones = -6.5F; semitones <= 8; semitones += 0.5F) {
    EXPECT_GT(*EnginePitch(semitones), last) << semitones;
    last = *EnginePitch(semitones);
  }
}

TEST(ProsodyTest, APitchBeyondTheEnginesIsRefusedWithTheLimits) {
  for (const float pitch : {-6.6F, 8.1F, std::numeric_limits<float>::quiet_NaN()}) {
    const absl::Status status = EnginePitch(pitch).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << pitch;
    EXPECT_THAT(std::string(status.message()), HasSubstr("from -6.5 to 8")) << pitch;
  }
}

}  // namespace
}  // namespace souvenir::compute
