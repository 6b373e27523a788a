#include "common/language/sentences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

namespace souvenir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(SentencesTest, EndWhereASentenceEnds) {
  EXPECT_THAT(SplitSentences("One house.  Two houses? \n Three!", "en", 100),
              ElementsAre("One house.", "Two houses?", "Three!"));
}

TEST(SentencesTest, DoNotEndAfterAnAbbreviationOfTheLanguage) {
  EXPECT_THAT(SplitSentences("Mr. Dashwood came. He left.", "en", 100),
              ElementsAre("Mr. Dashwood came.", "He left."));
}

TEST(SentencesTest, AreFoundWithoutALanguageAndWithAnUnknownOne) {
  EXPECT_THAT(SplitSentences("Uno. Dos.", "", 100), ElementsAre("Uno.", "Dos."));
  EXPECT_THAT(SplitSentences("Uno. Dos.", "not a tag", 100), ElementsAre("Uno.", "Dos."));
}

TEST(SentencesTest, BlanksAreNone) {
  EXPECT_THAT(SplitSentences("", "en", 100), IsEmpty());
  EXPECT_THAT(SplitSentences(" \n\t ", "en", 100), IsEmpty());
}

TEST(SentencesTest, ALongOneIsCutAtALineAWordOrACharacter) {
  EXPECT_THAT(SplitSentences("aaa bbb\nccc ddd", "en", 10), ElementsAre("aaa bbb", "ccc ddd"));
  EXPECT_THAT(SplitSentences("aaaa bbbb cccc", "en", 10), ElementsAre("aaaa bbbb", "cccc"));
  EXPECT_THAT(SplitSentences("ñññññ", "es", 5), ElementsAre("ññ", "ññ", "ñ"));
}

TEST(SentencesTest, AMegabyteWithoutABlankIsCut) {
  const std::string text(1 << 20, 'a');
  size_t bytes = 0;
  for (const std::string_view sentence : SplitSentences(text, "en", 1'000)) {
    ASSERT_LE(sentence.size(), 1'000u);
    bytes += sentence.size();
  }
  EXPECT_EQ(bytes, text.size());
}

// Nothing but blanks is lost, whatever bytes come.
TEST(SentencesTest, HaveAllOfAnyText) {
  std::mt19937 random(7);
  const std::string_view pieces[] = {"a",    ".",    " ",    "\n", "ñ", "\xF0\x9F\x98\x80",
                                     "Mr. ", "\xFF", "\x80", "?",  "¿", "\t"};
  const auto solid = [](std::string_view text) {
    std::string kept;
    for (const char c : text) {
      if (std::string_view(" \t\n\v\f\r").find(c) == std::string_view::npos) kept += c;
    }
    return kept;
  };
  for (int round = 0; round < 500; ++round) {
    std::string text;
    for (size_t length = random() % 60; length > 0; --length) {
      text += pieces[random() % std::size(pieces)];
    }
    std::string joined;
    for (const std::string_view sentence : SplitSentences(text, "en", 4 + random() % 20)) {
      ASSERT_FALSE(sentence.empty()) << text;
      joined += solid(sentence);
    }
    ASSERT_EQ(joined, solid(text));
  }
}

}  // namespace
}  // namespace souvenir
