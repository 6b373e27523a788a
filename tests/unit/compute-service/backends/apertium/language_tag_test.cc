#include "compute-service/backends/apertium/language_tag.h"

#include <gtest/gtest.h>

namespace souvenir::compute {
namespace {

TEST(LanguageTagTest, IsCanonical) {
  EXPECT_EQ(LanguageTag("eng"), "en");
  EXPECT_EQ(LanguageTag("es"), "es");
  EXPECT_EQ(LanguageTag("spa_US"), "es-US");
  EXPECT_EQ(LanguageTag("pt_BR"), "pt-BR");
  EXPECT_EQ(LanguageTag("szl"), "szl");
  EXPECT_EQ(LanguageTag("urd"), "ur");
  EXPECT_EQ(LanguageTag("oc_aran"), "oc-aranes");
  EXPECT_EQ(LanguageTag("cat_valencia"), "ca-valencia");
  EXPECT_EQ(LanguageTag("fra_foo"), "fr-x-foo");
  EXPECT_EQ(LanguageTag("por_PTpre1990"), std::nullopt) << "subtags have up to eight characters";
}

TEST(LanguageTagTest, KnowsWhatIsNoLanguage) {
  for (const char* text : {"", "e", "ENG", "engl", "en_", "en_a/b", "e1", "_US"}) {
    EXPECT_EQ(LanguageTag(text), std::nullopt) << text;
  }
}

TEST(LanguagesOfModeTest, TwoLanguagesMakeAPair) {
  EXPECT_EQ(LanguagesOfMode("eng-spa"), std::make_pair(std::string("en"), std::string("es")));
  EXPECT_EQ(LanguagesOfMode("spa-eng_US"), std::make_pair(std::string("es"), std::string("en-US")));
  for (const char* mode : {"eng", "eco-es-fr", "eng-spa-tagger", "-spa", "eng-", "eng-morph"}) {
    EXPECT_EQ(LanguagesOfMode(mode), std::nullopt) << mode;
  }
}

}  // namespace
}  // namespace souvenir::compute
