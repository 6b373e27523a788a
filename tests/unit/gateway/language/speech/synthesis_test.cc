#include "gateway/language/speech/synthesis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/language/speech/speech_fixture.h"

namespace souvenir::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A request, like that of a handler.
struct Asked final : Synthesis::Listener {
  Asked(Resolver* resolver, Synthesis::Files files)
      : caller(resolver, Lane::kSynthesis), synthesis(this, &caller, files) {}
  void OnSentence(size_t sentence) override { sentences.push_back(sentence); }
  void OnSpoken() override { ++told; }

  SpeechCaller caller;
  Synthesis synthesis;
  std::vector<size_t> sentences;  // in the order in which they became ready
  int told = 0;
};

std::string BytesOf(const AudioFile& file) {
  std::string bytes = file.header;
  for (const std::string_view part : file.parts) bytes.append(part);
  return bytes;
}

class SynthesisTest : public SpeechTest {
 protected:
  std::shared_ptr<Asked> Ask(const SynthesisRequest& request,
                             Synthesis::Files files = Synthesis::Files::kOne, size_t ahead = 100) {
    auto asked = std::make_shared<Asked>(&resolver_, files);
    asked->caller.SetOptions({}, "");
    planned_ = asked->synthesis.Plan(request, speech_);
    if (!planned_.ok()) return asked;
    asked->synthesis.Start(asked, ahead);
    Run();
    return asked;
  }

  absl::Status planned_;
};

TEST_F(SynthesisTest, IsOneWavFileOfAllSentences) {
  const auto asked = Ask({.text = "Uno. Dos.", .language = "es"});
  ASSERT_TRUE(planned_.ok()) << planned_;
  ASSERT_EQ(asked->told, 1);
  ASSERT_TRUE(asked->synthesis.OverallStatus().ok()) << asked->synthesis.OverallStatus();
  const AudioFile file = asked->synthesis.file();
  const std::string bytes = BytesOf(file);
  EXPECT_EQ(bytes.substr(44), "Uno.Dos.");
  EXPECT_EQ(bytes.substr(0, 4), "RIFF");
  EXPECT_EQ(file.sample_rate, 22'050);
  EXPECT_EQ(asked->synthesis.voice().name, "ana");
}

TEST_F(SynthesisTest, ASentenceIsKnownAgainInAnotherText) {
  Ask({.text = "Uno. Dos.", .language = "es"});
  const auto again = Ask({.text = "Tres cuatro. Uno.", .language = "es"});
  EXPECT_EQ(again->synthesis.sentence(0, clock_.Now()).provenance.kind, CacheKind::kMiss);
  EXPECT_EQ(again->synthesis.sentence(1, clock_.Now()).provenance.kind, CacheKind::kMemory);
}

TEST_F(SynthesisTest, RateAndPitchMakeAnotherQuestion) {
  Ask({.text = "Uno.", .language = "es"});
  const auto faster = Ask({.text = "Uno.", .language = "es", .rate = 1.5F});
  EXPECT_EQ(faster->synthesis.sentence(0, clock_.Now()).provenance.kind, CacheKind::kMiss);
  const auto same = Ask({.text = "Uno.", .language = "es", .pitch = -0.0F});
  EXPECT_EQ(same->synthesis.sentence(0, clock_.Now()).provenance.kind, CacheKind::kMemory);
}

TEST_F(SynthesisTest, AnEncoderWritesTheOtherContainers) {
  const auto asked =
      Ask({.text = "Uno. Dos.", .language = "es", .container = AudioContainer::kFlac});
  ASSERT_EQ(asked->told, 1);
  ASSERT_TRUE(asked->synthesis.OverallStatus().ok()) << asked->synthesis.OverallStatus();
  EXPECT_EQ(BytesOf(asked->synthesis.file()), "flac:Uno.Dos.");
  const auto raw = Ask({.text = "Uno.", .language = "es", .container = AudioContainer::kRaw});
  EXPECT_EQ(BytesOf(raw->synthesis.file()), "Uno.");
}

TEST_F(SynthesisTest, CanBeAFileForEachSentence) {
  const auto asked = Ask({.text = "Uno. Dos.", .language = "es", .container = AudioContainer::kOgg},
                         Synthesis::Files::kForEachSentence);
  ASSERT_EQ(asked->told, 1);
  const Synthesis::Sentence second = asked->synthesis.sentence(1, clock_.Now());
  EXPECT_EQ(second.text, "Dos.");
  EXPECT_EQ(BytesOf(second.file), "ogg:Dos.");
}

TEST_F(SynthesisTest, BeginsWithMoreOnlyWhenToldTo) {
  Hold();
  const auto asked = Ask({.text = "Uno. Dos. Once!!", .language = "es"},
                         Synthesis::Files::kForEachSentence, /*ahead=*/1);
  const auto play = [this](const auto& request, auto* response) { Play(request, response); };
  EXPECT_EQ(upstream_.calls(), 1u);
  upstream_.Answer(0, play);
  EXPECT_THAT(asked->sentences, ElementsAre(0u));
  EXPECT_EQ(upstream_.calls(), 1u);
  asked->synthesis.Continue();
  asked->synthesis.Continue();
  asked->synthesis.Continue();  // there is no fourth
  Run();
  for (size_t call = 1; call < upstream_.calls(); ++call) upstream_.Answer(call, play);
  EXPECT_EQ(asked->told, 1);
}

TEST_F(SynthesisTest, ChoosesAVoiceForTheLanguage) {
  EXPECT_EQ(Ask({.text = "Two", .language = "en-US"})->synthesis.voice().name, "cy");
  EXPECT_EQ(Ask({.text = "Two", .language = "en"})->synthesis.voice().name, "cy");
  EXPECT_EQ(Ask({.text = "Two", .language = "en-AU"})->synthesis.voice().name, "cy");
  EXPECT_EQ(Ask({.text = "Two", .language = "en-GB"})->synthesis.voice().name, "ben");
  EXPECT_EQ(Ask({.text = "Two", .voice = "cy"})->synthesis.voice().language, "en-US");
}

TEST_F(SynthesisTest, RefusesWhatItCannotDo) {
  Ask({.text = "Two", .language = "gl"});
  EXPECT_EQ(planned_.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(planned_.message()),
              HasSubstr("no voice speaks 'gl'; there is en-GB, en-US, es"));
  Ask({.text = "Two", .voice = "anna"});
  EXPECT_EQ(planned_.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(planned_.message()), HasSubstr("did you mean 'ana'?"));
  Ask({.text = "Two", .language = "en", .voice = "ana"});
  EXPECT_EQ(planned_.code(), absl::StatusCode::kInvalidArgument);
  Ask({.text = "Two"});
  EXPECT_EQ(planned_.code(), absl::StatusCode::kInvalidArgument);
  Ask({.text = " ", .language = "es"});
  EXPECT_THAT(std::string(planned_.message()), HasSubstr("the text is empty"));
  const std::string long_text(101, 'a');
  Ask({.text = long_text, .language = "es"});
  EXPECT_THAT(std::string(planned_.message()), HasSubstr("has 101 bytes, and the limit is 100"));
  Ask({.text = "Two", .language = "es", .rate = -1});
  EXPECT_THAT(std::string(planned_.message()), HasSubstr("rate: -1 came"));
}

TEST_F(SynthesisTest, ASentenceThatFailsFailsTheFile) {
  Hold();
  const auto asked = Ask({.text = "Uno. Dos.", .language = "es"});
  upstream_.FailAll(absl::InvalidArgumentError("cannot say that"));
  ASSERT_EQ(asked->told, 1);
  EXPECT_EQ(asked->synthesis.OverallStatus().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SynthesisTest, SamplesThatAreCutAreAnError) {
  const auto asked = Ask({.text = "odd", .language = "es"});
  ASSERT_EQ(asked->told, 1);
  EXPECT_THAT(std::string(asked->synthesis.OverallStatus().message()),
              HasSubstr("model 'mouth' ends within a sample"));
}

TEST_F(SynthesisTest, EndsWhenTheCallerGoes) {
  Hold();
  const auto asked = Ask({.text = "Uno. Dos.", .language = "es"});
  asked->caller.Cancel(absl::CancelledError("gone"));
  ASSERT_EQ(asked->told, 1);
  EXPECT_EQ(asked->synthesis.OverallStatus().code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace souvenir::gateway
