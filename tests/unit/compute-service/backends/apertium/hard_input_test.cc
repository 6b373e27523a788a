// Hostile and absurd texts. Each must be answered and leave no trace in the worker.

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "common/clock.h"
#include "tests/unit/compute-service/backends/apertium/translation_fixture.h"

namespace souvenir::compute {
namespace {

constexpr char kSentence[] = "The black cat sleeps, doesn't it?";

// Runs with a mode that is in one process, and with one that runs programs.
class HardInputTest : public TranslationTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    Load(GetParam());
    sentence_ = Translate(kSentence);
  }

  // Expects an answer, and that the worker then translates as before.
  void ExpectAnswer(const std::string& text) {
    const auto result = Run({text}, {1});
    ASSERT_TRUE(result.ok()) << result.status() << ": " << testing::PrintToString(text);
    ASSERT_EQ(Translate(kSentence), sentence_) << "after " << testing::PrintToString(text);
  }

  std::string sentence_;
};

std::string Repeat(std::string_view text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

TEST_P(HardInputTest, CharactersThatMeanSomethingToTheEngine) {
  constexpr std::string_view kSpecial = "[]{}^$/\\@<>~*#+&=_|.:;,'\"-!?%()";
  for (const char c : kSpecial) {
    for (const std::string& text :
         {std::string(1, c), std::string(2, c), Repeat(std::string(1, c), 900),
          "the " + std::string(1, c) + " cat", "cat" + std::string(1, c) + "house",
          std::string(1, c) + "cat", "cat" + std::string(1, c)}) {
      ExpectAnswer(text);
    }
  }
  for (const char* text : {"^cat<n><sg>$",
                           "^cat/gato<n><m>$",
                           "[[t:b:123]]cat[[/]]",
                           "[<STREAMCMD:SETVAR:x>]",
                           "\\",
                           "\\\\",
                           "\\^cat\\$",
                           "^",
                           "$^",
                           "]]",
                           "[[",
                           "{^cat<n>$}",
                           "^x<SN>{^cat<n>$}$",
                           "@cat",
                           "#cat",
                           "*cat",
                           "<b>cat</b>",
                           "~~~~",
                           "a~b",
                           ".[]",
                           ".[][]",
                           "[\\@]",
                           "^/$",
                           "^<>$"}) {
    ExpectAnswer(text);
  }
}

TEST_F(TranslationTest, SpecialCharactersComeThroughBetweenWords) {
  Load("eng-spa");
  EXPECT_EQ(Translate("[the house] {x} <y> \\ @ ^ $ the/house"),
            "[La casa] {x} <y> \\ @ ^ $ la/casa");
  EXPECT_EQ(Translate("The cat ~ the house"), "El gato ~ la casa");
}

TEST_P(HardInputTest, ControlCharactersAndCharactersFromEverywhere) {
  for (int code = 0; code < 128; ++code) {
    const std::string character(1, static_cast<char>(code));
    ExpectAnswer(character);
    ExpectAnswer("the " + character + "cat" + character + " sleeps" + character);
  }
  for (const char* text :
       {"\uFEFFcat", "cat\u00A0cat", "\u2028\u2029", "\u200Bcat\u200D", "\u202Ecat", "漢字 かな",
        "😀😀", "a\u0301\u0301\u0301", "\xEF\xBF\xBF", "cat\xEF\xBF\xBF cat", "\xEF\xBF\xBE",
        "\xF0\x9F\xBF\xBF", "\xF4\x8F\xBF\xBF", "\xED\xA0\x80", "\xff\xfe", "cat\xC3", "\xC0\x80",
        "İ ı ß ŉ ǰ"}) {
    ExpectAnswer(text);
  }
}

TEST_F(TranslationTest, LongRunsWithoutWhiteSpaceComeThroughUnchangedAndQuickly) {
  Load("eng-spa");
  const std::string token = Repeat("x", 1'000'000);
  const absl::Duration begin = Clock::System()->Monotonic();
  EXPECT_EQ(Translate(token), token);
  EXPECT_EQ(Translate("The cat " + token + " the house"), "El gato " + token + " La casa")
      << "what follows a run is translated as the beginning of a sentence";
  EXPECT_LT(Clock::System()->Monotonic() - begin, absl::Seconds(10));
  for (const char* piece : {"漢", "!", "[", "\\", "^", "a,", "a-", "1", "\uFFFD", "a/b@c.", "'"}) {
    const std::string run = Repeat(piece, 1'100);
    EXPECT_EQ(Translate(run), run);
  }
}

TEST_P(HardInputTest, LongRunsThatAreTranslated) {
  ExpectAnswer(Repeat("a", 999) + " " + Repeat("b", 1000));
}

TEST_P(HardInputTest, LongTextsOfFewWords) {
  for (const char* piece : {" ", "\n", "\n\n", "~", "\t \r\n", ". ", "cat ", "that that ", "( ",
                            "not only ", "1 ", "a ", "cat. ", "\u00A0", "[ ", "' "}) {
    // A perceptron's time grows with the square of a sentence's length, and this is one sentence.
    ExpectAnswer(Repeat(piece, std::string_view(GetParam()) == "eng-spa" ? 2'000 : 300));
  }
}

// The texts are the same in each run. SOUVENIR_FUZZ_ROUNDS sets their number, and
// SOUVENIR_FUZZ_SEED chooses others.
TEST_P(HardInputTest, RandomTexts) {
  const char* rounds = getenv("SOUVENIR_FUZZ_ROUNDS");
  const char* seed = getenv("SOUVENIR_FUZZ_SEED");
  std::mt19937 random(seed != nullptr ? static_cast<unsigned>(atoi(seed)) : 1);
  const std::vector<std::string> pieces = {"the",
                                           "cat",
                                           "don't",
                                           "I'd",
                                           "New York",
                                           "in order to",
                                           "that",
                                           "Was",
                                           "1,000.50",
                                           "U.S.A.",
                                           "ñ",
                                           "漢",
                                           "😀",
                                           "\u00A0",
                                           "\u0301",
                                           "\xff",
                                           std::string(1, '\0'),
                                           "\x01",
                                           "\x1b",
                                           "\xEF\xBF\xBF",
                                           "[",
                                           "]",
                                           "{",
                                           "}",
                                           "^",
                                           "$",
                                           "/",
                                           "\\",
                                           "@",
                                           "<",
                                           ">",
                                           "~",
                                           "*",
                                           "#",
                                           "+",
                                           "&",
                                           "_",
                                           ".",
                                           ",",
                                           "'",
                                           "\"",
                                           "-",
                                           "\n",
                                           "\n\n",
                                           "\r\n\r\n",
                                           "\t",
                                           " ",
                                           " ",
                                           " ",
                                           "  ",
                                           "<n>",
                                           ".[]"};
  for (int round = rounds != nullptr ? atoi(rounds) : 500; round > 0; --round) {
    std::string text;
    const auto kind = random() % 4;
    const auto length = random() % (kind == 0 ? 200 : 40);
    for (size_t i = 0; i < length; ++i) {
      if (kind == 0) {
        text.push_back(static_cast<char>(random()));
      } else if (kind == 1) {
        text.push_back(static_cast<char>(random() % 128));
      } else {
        text += pieces[random() % pieces.size()];
      }
    }
    ASSERT_NO_FATAL_FAILURE(ExpectAnswer(text));
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, HardInputTest, testing::Values("eng-spa", "eng-cat"));

}  // namespace
}  // namespace souvenir::compute
