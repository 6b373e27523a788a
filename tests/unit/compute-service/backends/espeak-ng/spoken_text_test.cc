#include "compute-service/backends/espeak-ng/spoken_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace souvenir::compute {
namespace {

using ::testing::HasSubstr;

TEST(SpokenTextTest, TextStaysAsItIs) {
  for (const char* text :
       {"Hello.\n\tHow are you?", "¿Qué hago?", "日本語", "😀", "<speak>hi</speak> [[h@'loU]] &lt;",
        "fi\xE2\x80\x8D"
        "fi"}) {
    EXPECT_EQ(*SpokenText(text), text);
  }
}

TEST(SpokenTextTest, LettersAreComposed) {
  EXPECT_EQ(*SpokenText("man\u0303ana"), "ma\u00F1ana");
  EXPECT_EQ(*SpokenText("man\u0303ana\x01"), "ma\u00F1ana ");
}

TEST(SpokenTextTest, CharactersThatTheEngineObeysBecomeSpaces) {
  EXPECT_EQ(*SpokenText("\x01"
                        "400S a"),
            " 400S a");
  EXPECT_EQ(*SpokenText(std::string("a\0b\rc\x1B\x7F", 7)), "a b c  ");
  EXPECT_EQ(*SpokenText("a\xC2\x80"
                        "b\xC2\x9F"),
            "a b ")
      << "C1";
  EXPECT_EQ(*SpokenText("a\xEF\xBF\xBE\xEF\xBF\xBF\xEF\xB7\x90\xF4\x8F\xBF\xBF"
                        "b"),
            "a    b")
      << "U+FFFE, U+FFFF, U+FDD0, U+10FFFF";
  EXPECT_EQ(*SpokenText("a\xEE\x80\xBC\xF3\xB0\x80\x80"
                        "b"),
            "a  b")
      << "U+E03C, which the engine reads as <, and U+F0000";
}

TEST(SpokenTextTest, WhiteSpaceAloneIsNothing) {
  for (const char* text : {"", " ", "\n\t \r", "\x01\x02", "\xC2\xA0\xE2\x80\x83"}) {
    EXPECT_EQ(*SpokenText(text), "") << testing::PrintToString(text);
  }
}

TEST(SpokenTextTest, WhatIsNotUtf8IsRefusedWithThePlace) {
  const std::pair<std::string, std::string> cases[] = {
      {"a\xff", "byte 1 of 2"},
      {"\xc3", "byte 0 of 1"},
      {"ab\xed\xa0\x80", "byte 2 of 5"},      // a surrogate
      {"\xc0\xaf", "byte 0 of 2"},            // overlong
      {"abc\xf4\x90\x80\x80", "byte 3 of 7"}  // beyond Unicode
  };
  for (const auto& [text, expected] : cases) {
    const absl::Status status = SpokenText(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(expected));
  }
}

}  // namespace
}  // namespace souvenir::compute
