#include "compute-service/backends/apertium/worker/plain_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace souvenir::compute {
namespace {

TEST(CleanTextTest, KeepsWhatIsText) {
  for (const std::string text : {"", "plain", "ñ € 漢 😀", "\x01\x1f\x7f", "\xEF\xBF\xBE"}) {
    EXPECT_EQ(CleanText(text), text);
  }
}

TEST(CleanTextTest, ReplacesWhatTheEngineCannotRead) {
  EXPECT_EQ(CleanText(std::string("a\0b", 3)), "a\uFFFDb");
  EXPECT_EQ(CleanText("a\xEF\xBF\xBF"
                      "b"),
            "a\uFFFDb");                                       // U+FFFF
  EXPECT_EQ(CleanText("\xff"), "\uFFFD");                      // not a byte of UTF-8
  EXPECT_EQ(CleanText("x\xC3"), "x\uFFFD");                    // cut off
  EXPECT_EQ(CleanText("\xC0\x80"), "\uFFFD\uFFFD");            // an overlong form
  EXPECT_EQ(CleanText("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // half of a surrogate pair
  EXPECT_EQ(CleanText("\xF0\x9F\x98 x"), "\uFFFD x");
}

TEST(CleanTextTest, IsCleanAfterwards) {
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    const std::string clean = CleanText(bytes);
    EXPECT_EQ(CleanText(clean), clean);
    EXPECT_EQ(clean.find('\0'), std::string::npos);
  }
}

// The expected values were written by apertium-destxt (3.8.3).
TEST(DeformatTest, WritesWhatApertiumDestxtDoes) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ".[]"},
      {"one two", "one two.[]"},
      {" one  two ", " one[  ]two.[] "},
      {"a\tb\nc\rd~e", "a[\t]b[\n]c[\r]d[~]e.[]"},
      {"[]{}^$/\\@<>", "\\[\\]\\{\\}\\^\\$\\/\\\\\\@\\<\\>.[]"},
      {"\n\na", ".[][\n\n]a.[]"},
      {"a\r\n\r\nb", "a.[][\r\n\r\n]b.[]"},
      {"a\n \nb", "a[\n \n]b.[]"},
      {"a\n\r\n\r\nb", "a.[][\n\r\n\r\n]b.[]"},
      {"a\r\n\n\r\nb", "a.[][\r\n\n\r\n]b.[]"},
      {"a\n\n~b", "a.[][\n\n~]b.[]"},
      {"a \n\n ", "a.[][ \n\n ]"},
      {"a\u00A0b", "a\u00A0b.[]"},
  };
  for (const auto& [text, stream] : cases) EXPECT_EQ(Deformat(text), stream) << text;
}

// The expected values were written by apertium-retxt (3.8.3).
TEST(ReformatTest, WritesWhatApertiumRetxtDoes) {
  const std::pair<std::string, std::string> cases[] = {
      {"one two.[]", "one two"},    {"a[\n]b", "a\nb"}, {"\\[\\^\\\\\\]", "[^\\]"},
      {"\\a \\~ \\", "\\a \\~ \\"}, {"[\\@]x", "@x"},   {"[ab\\]cd]", "ab]cd"},
      {"]x[a[b]c]", "xabc"},        {"a.[].[]", "a"},   {"^a$ ~", "^a$ ~"},
  };
  for (const auto& [stream, text] : cases) EXPECT_EQ(Reformat(stream), text) << stream;
}

TEST(ReformatTest, TakesBackDeformatting) {
  std::mt19937 random(2);
  constexpr std::string_view kCharacters = "ab .\n\r\t~[]{}^$/\\@<>";
  for (int i = 0; i < 5000; ++i) {
    std::string text(random() % 20, '\0');
    for (char& c : text) c = kCharacters[random() % kCharacters.size()];
    EXPECT_EQ(Reformat(Deformat(text)), text);
  }
}

std::vector<std::pair<std::string, bool>> Split(const std::string& text) {
  std::vector<std::pair<std::string, bool>> parts;
  for (const TextPart& part : SplitLongWords(text)) parts.emplace_back(part.text, part.translate);
  return parts;
}

TEST(SplitLongWordsTest, LongRunsStandAlone) {
  using testing::ElementsAre;
  using testing::Pair;
  const std::string just_short(kLongestWord, 'x');
  const std::string run = just_short + "x";
  EXPECT_THAT(Split(""), ElementsAre());
  EXPECT_THAT(Split("some text"), ElementsAre(Pair("some text", true)));
  EXPECT_THAT(Split(just_short), ElementsAre(Pair(just_short, true)));
  EXPECT_THAT(Split(run), ElementsAre(Pair(run, false)));
  EXPECT_THAT(Split("see " + run + "\nand " + run + run),
              ElementsAre(Pair("see ", true), Pair(run, false), Pair("\nand ", true),
                          Pair(run + run, false)));
  EXPECT_THAT(Split(run + " end"), ElementsAre(Pair(run, false), Pair(" end", true)));
  EXPECT_THAT(Split(just_short + "\u00A0" + just_short),
              ElementsAre(Pair(just_short + "\u00A0" + just_short, true)));
}

TEST(SplitLongWordsTest, CountsCharactersAndNotBytes) {
  std::string text;
  for (size_t i = 0; i < kLongestWord; ++i) text += "ñ";
  EXPECT_TRUE(SplitLongWords(text)[0].translate);
  EXPECT_FALSE(SplitLongWords(text + "ñ")[0].translate);
}

}  // namespace
}  // namespace souvenir::compute
