// Tests translations by the real engine.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/compute-service/backends/apertium/fortunes.h"
#include "tests/unit/compute-service/backends/apertium/translation_fixture.h"

namespace souvenir::compute {
namespace {

using testing::HasSubstr;

TEST_F(TranslationTest, EachDirectionTranslates) {
  Load("eng-spa");
  EXPECT_EQ(Translate("The house is small."), "La casa es pequeña.");
  Load("fr-es");
  EXPECT_EQ(Translate("La maison est petite."), "La casa es pequeña.");
  Load("en-gl");
  EXPECT_EQ(Translate("The house is small."), "A casa é pequena.");
  Load("eng-cat");
  EXPECT_EQ(Translate("The house is small."), "La casa és petita.");
  Load("fra-cat");
  EXPECT_EQ(Translate("La maison est petite."), "La casa és petita.");
}

TEST_F(TranslationTest, LettersAreComposed) {
  Load("fr-es");
  const std::string composed = Translate("L'\u00E9cole est petite.");
  EXPECT_EQ(composed, "La escuela es peque\u00F1a.");
  EXPECT_EQ(Translate("L'e\u0301cole est petite."), composed);
  const auto rows = Run({"L'e\u0301cole", "", "L'\u00E9cole"}, {3});
  ASSERT_TRUE(rows.ok()) << rows.status();
  BytesElementReader reader(rows->outputs[0].data);
  const std::string first(*reader.Next());
  EXPECT_EQ(reader.Next(), "");
  EXPECT_EQ(reader.Next(), first);
}

TEST_F(TranslationTest, KeepsLayout) {
  Load("eng-spa");
  EXPECT_EQ(Translate("  The cat\n\n\tThe house ~ \r\n"), "  El gato\n\n\tLa casa ~ \r\n");
  EXPECT_EQ(Translate(" "), " ");
  EXPECT_EQ(Translate("\n\n"), "\n\n");
}

TEST_F(TranslationTest, UnknownWordsStandUnmarked) {
  Load("eng-spa");
  EXPECT_EQ(Translate("Xyzzyq"), "Xyzzyq");
}

TEST_F(TranslationTest, RowsKeepTheirShapeAndOrder) {
  Load("eng-spa");
  const auto flat = Run({"cat", "", "house"}, {3});
  ASSERT_TRUE(flat.ok()) << flat.status();
  EXPECT_EQ(flat->outputs[0].name, "translation");
  EXPECT_EQ(flat->outputs[0].shape, std::vector<int64_t>({3}));
  EXPECT_TRUE(ValidateTensor(flat->outputs[0].view()).ok());
  EXPECT_GT(flat->compute_time, absl::ZeroDuration());
  const auto column = Run({"cat", "", "house"}, {3, 1});
  ASSERT_TRUE(column.ok()) << column.status();
  EXPECT_EQ(column->outputs[0].shape, std::vector<int64_t>({3, 1}));
  EXPECT_EQ(column->outputs[0].data, flat->outputs[0].data);
  BytesElementReader rows(flat->outputs[0].data);
  EXPECT_EQ(rows.Next(), "Gato");
  EXPECT_EQ(rows.Next(), "");
  EXPECT_EQ(rows.Next(), "Casa");
}

TEST_F(TranslationTest, EmptyTextCostsNothing) {
  Load("eng-spa");
  const auto result = Run({"", ""}, {2});
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->compute_time, absl::ZeroDuration());
  EXPECT_EQ(result->outputs[0].data, std::string(8, '\0'));
}

TEST_F(TranslationTest, ATextDoesNotDependOnThoseBeforeIt) {
  const std::vector<std::string> lines = FortuneLines();
  for (const char* mode : {"eng-spa", "en-gl", "eng-cat"}) {
    Load(mode);
    std::vector<std::string> first;
    for (size_t i = 0; i < 40; ++i) {
      auto fresh = model_->CreateInstance();
      ASSERT_TRUE(fresh.ok());
      instance_ = *std::move(fresh);
      first.push_back(Translate(lines[i]));
    }
    for (size_t i = 40; i < 540; ++i) Translate(lines[i]);
    for (size_t i = 40; i-- > 0;) EXPECT_EQ(Translate(lines[i]), first[i]) << lines[i];
  }
}

TEST_F(TranslationTest, ATextCutAnywhereLeavesNothingForTheNext) {
  Load("fr-es");
  const std::string text = "Je l'ai vu aujourd'hui, c'est-à-dire qu'il y a";
  const std::string alone = Translate(text);
  for (size_t size = 1; size < text.size(); ++size) {
    Translate(text.substr(0, size));
    ASSERT_EQ(Translate(text), alone) << "after " << text.substr(0, size);
  }
}

TEST_F(TranslationTest, ALineTranslatesTheSameInARecycledWorker) {
  ApertiumBackend::Options options = Options();
  options.recycle_after = 2;
  Load("eng-spa", options);
  for (int i = 0; i < 7; ++i) EXPECT_EQ(Translate("The house is small."), "La casa es pequeña.");
}

TEST_F(TranslationTest, RowsOfOneRunMayTakeSeveralWorkers) {
  ApertiumBackend::Options options = Options();
  options.recycle_after = 2;
  Load("eng-spa", options);
  const auto result = Run({"cat", "house", "", "cat", "house", "cat"}, {6});
  ASSERT_TRUE(result.ok()) << result.status();
  BytesElementReader rows(result->outputs[0].data);
  for (const char* row : {"Gato", "Casa", "", "Gato", "Casa", "Gato"}) EXPECT_EQ(rows.Next(), row);
}

TEST_F(TranslationTest, ARowThatTakesTooLongIsGivenUpAndTheNextIsNot) {
  Load("eng-spa");
  std::string endless;
  for (int i = 0; i < 300'000; ++i) endless += "that ";
  const auto result = Run({endless}, {1}, absl::Milliseconds(50));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded) << result.status();
  EXPECT_EQ(Translate("The house is small."), "La casa es pequeña.");
}

TEST_F(TranslationTest, OtherInputsAreRefused) {
  Load("eng-spa");
  const TensorView wrong{"words", DataType::kBytes, {}, std::string_view("\0\0\0\0", 4)};
  const std::string output = "translation";
  const absl::Status status = instance_
                                  ->Run({.inputs = absl::MakeSpan(&wrong, 1),
                                         .outputs = absl::MakeSpan(&output, 1),
                                         .row_limit = absl::Seconds(1)})
                                  .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.ToString(), HasSubstr("'text'"));
}

}  // namespace
}  // namespace souvenir::compute
