#include "common/language/composed_text.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace souvenir {
namespace {

TEST(ComposedTextTest, LettersAndTheirAccentsBecomeOne) {
  EXPECT_EQ(ComposedText("man\u0303ana sera\u0301"), "mañana será");
  EXPECT_EQ(ComposedText("a\u0301"), "\u00e1") << "a text of a letter";
  EXPECT_EQ(ComposedText("a\u0323\u0307"), "\u1ea1\u0307") << "what has no one character";
  EXPECT_EQ(ComposedText("a\u0307\u0323"), "\u1ea1\u0307") << "accents in another order";
  EXPECT_EQ(ComposedText("\u1100\u1161\u11a8"), "\uac01") << "parts of a syllable";
  EXPECT_EQ(ComposedText("\u212b"), "\u00c5") << "another character for the same letter";
}

TEST(ComposedTextTest, WhatIsComposedIsLeftAlone) {
  for (const char* text : {"", "plain", "sixteen letters!", "mañana será otro día", "日本語",
                           "🙂", "\u0301 alone", "ﬁ is another letter", "½"}) {
    EXPECT_EQ(ComposedText(text), std::nullopt) << text;
  }
}

TEST(ComposedTextTest, ALetterIsFoundWhereverItStands) {
  for (size_t before = 0; before < 40; ++before) {
    const std::string text = std::string(before, 'x') + "e\u0301";
    EXPECT_EQ(ComposedText(text), std::string(before, 'x') + "é") << before;
  }
}

TEST(ComposedTextTest, WhatIsNoUtf8IsLeftAlone) {
  for (const std::string& text : {std::string("\xff"), std::string("abcdefgh\xc3"),
                                  std::string("\xed\xa0\x80"), std::string("\xc3\xa9\x80")}) {
    EXPECT_EQ(ComposedText(text), std::nullopt);
  }
}

// Normalization Form C decomposes some discouraged characters and does not compose them again.
TEST(ComposedTextTest, ATextGrowsToThreeTimesItsBytesAtMost) {
  EXPECT_EQ(ComposedText("\U0001d160")->size(), 3 * std::string("\U0001d160").size());
  EXPECT_EQ(ComposedText("\u0958")->size(), 2 * std::string("\u0958").size());
}

}  // namespace
}  // namespace souvenir
