#include "common/audio/wav_header.h"

#include <gtest/gtest.h>

#include <string>

namespace souvenir {
namespace {

TEST(WavHeaderTest, DescribesTheSamplesThatFollow) {
  using namespace std::string_literals;
  EXPECT_EQ(WavHeader(16'000, 0x01020304),
            "RIFF\x28\x03\x02\x01WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3E\0\0\0\x7D\0\0\x02\0\x10\0"
            "data\x04\x03\x02\x01"s);
}

}  // namespace
}  // namespace souvenir
