#include "common/language/language_tag.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace souvenir {
namespace {

using namespace std::string_literals;

TEST(LanguageTagTest, GivesTheCanonicalForm) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"en", "en"},
      {"eng", "en"},
      {"PT-br", "pt-BR"},
      {"zh-hant", "zh-Hant"},
      {"sr-latn-rs", "sr-Latn-RS"},
      {"x-mine", "und-x-mine"},
  };
  for (const auto& [tag, canonical] : cases) EXPECT_EQ(CanonicalLanguageTag(tag), canonical) << tag;
}

TEST(LanguageTagTest, GivesNothingForWhatIsNoTag) {
  for (const std::string& tag : {""s, "e"s, "en_GB"s, "en-"s, "-en"s, "english language"s, "en,es"s,
                                 "en\0es"s, std::string(1000, 'a')}) {
    EXPECT_EQ(CanonicalLanguageTag(tag), std::nullopt) << tag;
  }
}

TEST(LanguageTagTest, LettersOfOtherAlphabetsMakeNoTag) {
  for (const std::string& tag : {"\u00e9s"s, "en-\u00fc\u00fc\u00fc\u00fc\u00fc"s,
                                 "x-lvariant\u00e9"s, "X-lvariantu\xa8-co5xXXX1"s}) {
    EXPECT_EQ(CanonicalLanguageTag(tag), std::nullopt) << tag;
  }
}

TEST(LanguageTagTest, ALanguageHasALikelyRegion) {
  EXPECT_EQ(WithLikelyRegion("en"), "en-US");
  EXPECT_EQ(WithLikelyRegion("pt"), "pt-BR");
  EXPECT_EQ(WithLikelyRegion("fr"), "fr-FR");
  EXPECT_EQ(WithLikelyRegion("qqq"), "");
}

TEST(LanguageTagTest, SubtagsAreLeftOutFromTheEnd) {
  EXPECT_EQ(WithoutLastSubtag("zh-Hant-TW"), "zh-Hant");
  EXPECT_EQ(WithoutLastSubtag("zh"), "");
}

}  // namespace
}  // namespace souvenir
