#include "common/audio/pcm_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace souvenir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(PcmFormatTest, ReadsEncodingRateAndChannels) {
  const auto format = ParsePcmFormat("s24le;rate=44100;channels=2");
  ASSERT_TRUE(format.ok()) << format.status();
  EXPECT_EQ(format->encoding, PcmEncoding::kS24le);
  EXPECT_EQ(format->rate, 44'100);
  EXPECT_EQ(format->channels, 2);
  EXPECT_EQ(format->frame_bytes(), 6u);
}

TEST(PcmFormatTest, HasOneChannelUnlessItSaysOtherwise) {
  EXPECT_EQ(ParsePcmFormat("u8;rate=8000")->channels, 1);
  EXPECT_EQ(ParsePcmFormat("u8;channels=8;rate=8000")->channels, 8);
}

TEST(PcmFormatTest, KnowsEachEncoding) {
  const std::pair<std::string, size_t> encodings[] = {{"s16le", 2}, {"s16be", 2}, {"s24le", 3},
                                                      {"s32le", 4}, {"f32le", 4}, {"u8", 1},
                                                      {"mulaw", 1}, {"alaw", 1}};
  for (const auto& [name, bytes] : encodings) {
    const auto format = ParsePcmFormat(name + ";rate=192000");
    ASSERT_TRUE(format.ok()) << format.status();
    EXPECT_EQ(format->frame_bytes(), bytes) << name;
    EXPECT_EQ(PcmFormatText(*format), name + ";rate=192000;channels=1");
  }
}

TEST(PcmFormatTest, RefusesAnythingElseByName) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "encoding '' is unknown"},
      {"s16", "encoding 's16' is unknown"},
      {"S16LE;rate=8000", "s16le, s16be, s24le, s32le, f32le, u8, mulaw and alaw"},
      {"s16le", "has no rate"},
      {"s16le;", "ends with a ';'"},
      {"s16le;rate=8000;", "ends with a ';'"},
      {"s16le;;rate=8000", "'' is not a part"},
      {"s16le;rate", "'rate' is not a part"},
      {"s16le;rate=7999", "rate is '7999'; it must be a number from 8000 to 192000"},
      {"s16le;rate=192001", "rate is '192001'"},
      {"s16le;rate=99999999999999999999", "rate is '99999999999999999999'"},
      {"s16le;rate=-8000", "rate is '-8000'"},
      {"s16le;rate=8000.0", "rate is '8000.0'"},
      {"s16le;rate= 8000", "rate is ' 8000'"},
      {"s16le;rate=", "rate is ''"},
      {"s16le;rate=8000;rate=8000", "rate occurs twice"},
      {"s16le;rate=8000;channels=0", "channels is '0'; it must be a number from 1 to 8"},
      {"s16le;rate=8000;channels=9", "channels is '9'"},
      {"s16le;rate=8000;bits=16", "'bits=16' is not a part"},
      {"s16le,rate=8000", "encoding 's16le,rate=8000' is unknown"},
  };
  for (const auto& [text, expected] : cases) {
    const absl::Status status = ParsePcmFormat(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(expected)) << text;
  }
}

TEST(PcmFormatTest, AMessageIsShortAndPrintable) {
  const std::string text = std::string("\x1b[2J\xff") + std::string(10'000, 'x');
  const std::string message(ParsePcmFormat(text).status().message());
  EXPECT_LT(message.size(), 400u);
  EXPECT_THAT(message, AllOf(HasSubstr("\\x1b[2J?xxx"), Not(HasSubstr("\x1b"))));
}

}  // namespace
}  // namespace souvenir
