#include "gateway/language/translator.h"

#include <gtest/gtest.h>

#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

class TranslatorTest : public testing::Test {
 protected:
  TranslatorTest() : translator_({.max_text_bytes = 10, .max_targets = 3}, &catalog_) {
    catalog_.Listen([this](const CatalogSnapshot& now) { translator_.OnCatalog(now); });
  }

  void LearnModels() {
    souvenir::state::v1::KnownModels models;
    *models.add_models() = TranslationModel("apertium-eng-spa", "en", "es");
    *models.add_models() = TranslationModel("zebra-en-es", "en", "es");
    *models.add_models() = TranslationModel("apertium-en-gl", "en", "gl");
    *models.add_models() = TranslationModel("apertium-spa-eng_US", "es", "en-US");
    *models.add_models() = TextModel("speech", "in", "out");
    catalog_.Update(models);
  }

  absl::Status Plan(std::string_view text, std::string_view source,
                    absl::InlinedVector<std::string_view, 4> targets,
                    std::string_view engine = "") {
    plan_ = {};
    return translator_.Plan({text, source, std::move(targets), engine}, &plan_);
  }

  Catalog catalog_{{}};
  Translator translator_;
  TranslationPlan plan_;
};

TEST_F(TranslatorTest, EachTargetIsAskedOfItsModel) {
  LearnModels();
  ASSERT_TRUE(Plan("hello", "en", {"gl", "es"}).ok());
  ASSERT_EQ(plan_.translations.size(), 2u);
  EXPECT_EQ(plan_.translations[0].target->model().name(), "apertium-en-gl");
  EXPECT_EQ(plan_.translations[1].target->model().name(), "apertium-eng-spa");
  const Question question = plan_.QuestionFor(plan_.translations[0]);
  EXPECT_EQ(question.inputs[0].name, "text");
  EXPECT_EQ(question.inputs[0].data, std::string_view("\5\0\0\0hello", 9));
  EXPECT_TRUE(ValidateTensor(question.inputs[0]).ok());
}

TEST_F(TranslatorTest, OfTwoModelsTheOneThatWasUnloadedIsNotAsked) {
  souvenir::state::v1::KnownModels models;
  *models.add_models() = TranslationModel("apertium-eng-spa", "en", "es");
  *models.add_models() = TranslationModel("zebra-en-es", "en", "es");
  models.mutable_models(0)->set_state("UNAVAILABLE");
  models.mutable_models(0)->set_reason("unloaded");
  catalog_.Update(models);
  ASSERT_TRUE(Plan("hello", "en", {"es"}).ok());
  EXPECT_EQ(plan_.translations[0].target->model().name(), "zebra-en-es");
  ASSERT_TRUE(Plan("hello", "en", {"es"}, "apertium").ok());
  EXPECT_EQ(plan_.translations[0].target->model().name(), "apertium-eng-spa");
}

TEST_F(TranslatorTest, ATextIsAskedForWithItsLettersComposed) {
  LearnModels();
  ASSERT_TRUE(Plan("man\u0303ana", "en", {"es"}).ok());
  const std::string decomposed = plan_.framed_text;
  const auto key = [this] {
    const Question question = plan_.QuestionFor(plan_.translations[0]);
    return question.target->FingerprintOf(question.inputs);
  };
  const cache::Fingerprint asked = key();
  ASSERT_TRUE(Plan("ma\u00f1ana", "en", {"es"}).ok());
  EXPECT_EQ(decomposed, std::string_view("\7\0\0\0ma\u00f1ana", 11));
  EXPECT_EQ(plan_.framed_text, decomposed);
  EXPECT_EQ(key(), asked);
}

TEST_F(TranslatorTest, TheLimitHoldsForATextThatGrowsWhenItIsComposed) {
  LearnModels();
  EXPECT_TRUE(Plan("\u0958", "en", {"es"}).ok());
  EXPECT_EQ(Plan("\u0958\u0958", "en", {"es"}).message(),
            "the text has 12 bytes when its letters are composed (NFC), and the limit is 10");
  EXPECT_EQ(Plan("123456789e\u0301", "en", {"es"}).message(),
            "the text has 12 bytes, and the limit is 10")
      << "and for one that shrinks";
}

TEST_F(TranslatorTest, TheEngineCanBeChosen) {
  LearnModels();
  ASSERT_TRUE(Plan("hello", "en", {"es"}, "zebra").ok());
  EXPECT_EQ(plan_.translations[0].target->model().name(), "zebra-en-es");
  ASSERT_TRUE(Plan("hello", "en", {"gl"}, "zebra").ok());
  EXPECT_EQ(plan_.translations[0].status.code(), absl::StatusCode::kNotFound);
}

TEST_F(TranslatorTest, SpellingsOfALanguageAreOneTarget) {
  LearnModels();
  ASSERT_TRUE(Plan("hello", "eng", {"es", "spa", "ES"}).ok());
  ASSERT_EQ(plan_.translations.size(), 1u);
  EXPECT_EQ(plan_.source_language, "en");
  EXPECT_EQ(plan_.translations[0].target_language, "es");
}

TEST_F(TranslatorTest, ARegionFallsBackToItsLanguage) {
  LearnModels();
  ASSERT_TRUE(Plan("hello", "en-GB", {"es-MX"}).ok());
  EXPECT_EQ(plan_.translations[0].target_language, "es-MX");
  EXPECT_EQ(plan_.translations[0].target->model().name(), "apertium-eng-spa");
  ASSERT_TRUE(Plan("hola", "es", {"en"}).ok());
  EXPECT_EQ(plan_.translations[0].status.code(), absl::StatusCode::kNotFound)
      << "and a language not to a region of it";
}

TEST_F(TranslatorTest, APairThatNobodyDoesIsToldWithWhatThereIs) {
  LearnModels();
  ASSERT_TRUE(Plan("hello", "en", {"fr", "es"}).ok());
  EXPECT_EQ(plan_.translations[0].status.message(),
            "nothing translates 'en' to 'fr'; from 'en' there is es, gl");
  EXPECT_TRUE(plan_.translations[1].status.ok());
  ASSERT_TRUE(Plan("hello", "fr", {"es"}).ok());
  EXPECT_EQ(plan_.translations[0].status.message(),
            "nothing translates 'fr' to 'es'; there is en to es, en to gl, es to en-US");
}

TEST_F(TranslatorTest, AnEmptyTextAsksNobody) {
  LearnModels();
  ASSERT_TRUE(Plan("", "en", {"es"}).ok());
  EXPECT_EQ(plan_.translations[0].target, nullptr);
  EXPECT_TRUE(plan_.translations[0].status.ok());
}

TEST_F(TranslatorTest, LimitsAreToldWithWhatCame) {
  LearnModels();
  EXPECT_EQ(Plan("01234567890", "en", {"es"}).message(),
            "the text has 11 bytes, and the limit is 10");
  EXPECT_EQ(Plan("x", "en", {"a", "b", "c", "d"}).message(),
            "4 target languages came, and the limit is 3");
  EXPECT_EQ(Plan("x", "en", {}).message(), "no target language; at least one is expected");
  for (const char* bad : {"", "e", "en_", "en--us", "123", "english language", "en-"}) {
    EXPECT_EQ(Plan("x", bad, {"es"}).code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_EQ(Plan("x", "en", {bad}).code(), absl::StatusCode::kInvalidArgument) << bad;
  }
  EXPECT_EQ(Plan("x", std::string(5000, 'e'), {"es"}).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TranslatorTest, WithoutAnyModelKnownComputeIsSaidToBeAway) {
  EXPECT_EQ(Plan("x", "en", {"es"}).code(), absl::StatusCode::kUnavailable);
}

TEST_F(TranslatorTest, PairsAreListedInOrder) {
  LearnModels();
  const auto pairs = translator_.Pairs();
  ASSERT_EQ(pairs.size(), 4u);
  EXPECT_EQ(pairs[0].model, "apertium-eng-spa");
  EXPECT_EQ(pairs[1].model, "zebra-en-es");
  EXPECT_EQ(pairs[3].target, "en-US");
}

}  // namespace
}  // namespace souvenir::gateway
