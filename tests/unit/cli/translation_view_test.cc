#include "cli/translation_view.h"

#include <gtest/gtest.h>

#include <string>

namespace souvenir::cli {
namespace {

using souvenir::v1::Translation;

Translation Answer(const std::string& target, souvenir::v1::CacheKind kind,
                   const std::string& text) {
  Translation translation;
  translation.set_target_language(target);
  translation.set_text(text);
  auto* provenance = translation.mutable_provenance();
  provenance->set_kind(kind);
  provenance->set_model("apertium-eng-spa");
  provenance->set_model_version("1");
  provenance->mutable_age()->set_seconds(200);
  provenance->mutable_compute_time()->set_nanos(2'500'000);
  provenance->set_key("00ff");
  return translation;
}

TEST(TranslationViewTest, OneLineForATarget) {
  TranslationView view({});
  EXPECT_EQ(view.Show(Answer("es", souvenir::v1::CACHE_KIND_MISS, "Hola"), absl::Milliseconds(12)),
            "es  miss        12.0 ms  Hola\n");
  EXPECT_EQ(
      view.Show(Answer("gl", souvenir::v1::CACHE_KIND_MEMORY, "Ola"), absl::Microseconds(350)),
      "gl  memory       350 µs  Ola\n");
  EXPECT_EQ(view.Summary(absl::Milliseconds(13)), "2 targets in 13.0 ms: 1 memory, 1 miss\n");
  EXPECT_TRUE(view.Result().ok());
}

TEST(TranslationViewTest, LinesOfATextStandBelowEachOther) {
  TranslationView view({.target_width = 5});
  EXPECT_EQ(view.Show(Answer("es", souvenir::v1::CACHE_KIND_DISK, "uno\ndos"), absl::Seconds(1)),
            "es     disk         1.00 s  uno\n"
            "                            dos\n");
}

TEST(TranslationViewTest, VerboseTellsWhereItCameFrom) {
  TranslationView view({.verbose = true});
  EXPECT_EQ(view.Show(Answer("es", souvenir::v1::CACHE_KIND_MEMORY, "Hola"), absl::Seconds(1)),
            "es  memory       1.00 s  Hola\n"
            "                         model apertium-eng-spa version 1, computed 3 min 20 s ago in "
            "2.5 ms\n"
            "                         key 00ff\n");
}

TEST(TranslationViewTest, AFailedTargetSaysWhyAndMakesTheResultAFailure) {
  TranslationView view({});
  Translation translation;
  translation.set_target_language("xx");
  translation.mutable_status()->set_code(5);
  translation.mutable_status()->set_message("no pair en-xx\x1b[2J");
  EXPECT_EQ(view.Show(translation, absl::ZeroDuration()),
            "xx  error          0 µs  NOT_FOUND: no pair en-xx\\x1b[2J\n");
  view.Show(Answer("es", souvenir::v1::CACHE_KIND_MISS, "Hola"), absl::ZeroDuration());
  EXPECT_EQ(view.Summary(absl::Milliseconds(1)), "2 targets in 1.0 ms: 1 miss, 1 failed\n");
  EXPECT_EQ(view.Result().code, ExitCode::kFailed);
  EXPECT_EQ(view.Result().message, "1 of 2 targets failed");
}

TEST(TranslationViewTest, AnErrorIsOneLineThoughATextMayHaveSeveral) {
  TranslationView view({});
  Translation translation;
  translation.set_target_language("es");
  translation.mutable_status()->set_code(13);
  translation.mutable_status()->set_message("broken\ngl  memory  Ola");
  EXPECT_EQ(view.Show(translation, absl::ZeroDuration()),
            "es  error          0 µs  INTERNAL: broken\\ngl  memory  Ola\n");
}

TEST(TranslationViewTest, AnEmptyTextHasNoProvenance) {
  TranslationView view({});
  Translation translation;
  translation.set_target_language("es");
  EXPECT_EQ(view.Show(translation, absl::ZeroDuration()), "es  -              0 µs\n");
}

}  // namespace
}  // namespace souvenir::cli
