#include "gateway/language/speech/transcription.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/gateway/language/speech/speech_fixture.h"

namespace souvenir::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A request, like that of a handler.
struct Asked final : Transcription::Listener {
  explicit Asked(Resolver* resolver) : caller(resolver, Lane::kTranscription) {}
  void OnSegment(size_t segment) override { segments.insert(segment); }
  void OnTranscribed() override { ++told; }

  SpeechCaller caller;
  Transcription transcription{this, &caller};
  std::set<size_t> segments;  // that were told
  int told = 0;
};

class TranscriptionTest : public SpeechTest {
 protected:
  std::shared_ptr<Asked> Ask(const std::string& audio, const std::string& language = "en",
                             ResolveOptions options = {}, const std::string& tenant = "") {
    auto asked = std::make_shared<Asked>(&resolver_);
    asked->caller.SetOptions(std::move(options), tenant);
    planned_ = asked->transcription.Plan({.audio = audio, .language = language}, speech_);
    if (!planned_.ok()) return asked;
    asked->transcription.Start(asked);
    Run();
    return asked;
  }

  absl::Status planned_;
};

TEST_F(TranscriptionTest, HasTheSegmentsWithTheirTextsTimesAndWords) {
  const auto asked = Ask("abcd|ef");
  ASSERT_TRUE(planned_.ok()) << planned_;
  ASSERT_EQ(asked->told, 1);
  const Transcription& transcription = asked->transcription;
  ASSERT_TRUE(transcription.OverallStatus().ok()) << transcription.OverallStatus();
  EXPECT_EQ(transcription.language(), "en");
  EXPECT_EQ(transcription.duration(), absl::Seconds(2) + absl::Nanoseconds(187'500));
  ASSERT_EQ(transcription.size(), 2u);
  EXPECT_THAT(asked->segments, ElementsAre(0u, 1u));
  const TranscriptSegment first = transcription.segment(0, clock_.Now());
  ASSERT_TRUE(first.status.ok()) << first.status;
  EXPECT_EQ(first.recognition.text, "<abcd>");
  EXPECT_EQ(first.start, absl::Seconds(1));
  EXPECT_EQ(first.end, absl::Seconds(1) + absl::Microseconds(125));
  EXPECT_EQ(first.recognition.confidence, 0.25F);
  EXPECT_EQ(first.language, "en");
  ASSERT_EQ(first.recognition.words.size(), 2u);
  EXPECT_EQ(first.recognition.words[0].word, "w");
  EXPECT_EQ(first.recognition.words[0].start, absl::Seconds(1.5));
  EXPECT_EQ(first.recognition.words[0].end, absl::Seconds(1.75));
  EXPECT_EQ(first.recognition.words[0].confidence, 0.5F);
  EXPECT_FALSE(first.recognition.words[1].confidence);
  EXPECT_EQ(first.provenance.model, "ears-en");
  EXPECT_EQ(first.provenance.kind, CacheKind::kMiss);
  EXPECT_EQ(transcription.segment(1, clock_.Now()).recognition.text, "<ef>");
}

TEST_F(TranscriptionTest, ASegmentIsKnownAgainInAnotherRecording) {
  Ask("abcd|ef");
  const auto again = Ask("ef|gh");
  ASSERT_EQ(again->told, 1);
  EXPECT_EQ(again->transcription.segment(0, clock_.Now()).provenance.kind, CacheKind::kMemory);
  EXPECT_EQ(again->transcription.segment(1, clock_.Now()).provenance.kind, CacheKind::kMiss);
  EXPECT_EQ(again->transcription.segmentation_provenance(clock_.Now()).kind, CacheKind::kMiss);
}

TEST_F(TranscriptionTest, TheSameRecordingAsksNoModel) {
  Ask("abcd|ef");
  const int cut = asked("audio-segments");
  const int heard = asked("ears-en");
  const auto again = Ask("abcd|ef");
  ASSERT_EQ(again->told, 1);
  EXPECT_EQ(again->transcription.segment(1, clock_.Now()).recognition.text, "<ef>");
  EXPECT_EQ(asked("audio-segments"), cut);
  EXPECT_EQ(asked("ears-en"), heard);
}

TEST_F(TranscriptionTest, TenantsShareNothing) {
  Ask("abcd", "en", {}, "a");
  const auto other = Ask("abcd", "en", {}, "b");
  ASSERT_EQ(other->told, 1);
  EXPECT_EQ(other->transcription.segment(0, clock_.Now()).provenance.kind, CacheKind::kMiss);
}

TEST_F(TranscriptionTest, SilenceHasNoSegments) {
  const auto asked = Ask("|");
  ASSERT_EQ(asked->told, 1);
  EXPECT_TRUE(asked->transcription.OverallStatus().ok());
  EXPECT_EQ(asked->transcription.size(), 0u);
  EXPECT_EQ(asked->transcription.duration(), absl::Seconds(2));
}

TEST_F(TranscriptionTest, ARegionIsServedByItsLanguage) {
  const auto asked = Ask("ab", "EN-gb");
  ASSERT_EQ(asked->told, 1);
  EXPECT_EQ(asked->transcription.language(), "en-GB");
}

TEST_F(TranscriptionTest, RefusesWhatItCannotDo) {
  Ask("");
  EXPECT_EQ(planned_.code(), absl::StatusCode::kInvalidArgument);
  Ask("ab", "gl");
  EXPECT_EQ(planned_.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(planned_.message()),
              HasSubstr("nothing recognises speech in 'gl'; there is en"));
  Ask("ab", "not a tag");
  EXPECT_EQ(planned_.code(), absl::StatusCode::kInvalidArgument);
  Ask("ab", "");
  EXPECT_EQ(planned_.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(planned_.message()), HasSubstr("nothing detects the language"));
}

TEST_F(TranscriptionTest, FailsIfTheRecordingCannotBeCut) {
  Hold();
  const auto asked = Ask("ab");
  upstream_.Fail(0, absl::InvalidArgumentError("not an audio file"));
  ASSERT_EQ(asked->told, 1);
  EXPECT_EQ(asked->transcription.OverallStatus().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(asked->transcription.size(), 0u);
}

TEST_F(TranscriptionTest, ASegmentThatFailsIsItsOwnError) {
  Hold();
  const auto asked = Ask("ab|cd");
  upstream_.Answer(0, [this](const auto& request, auto* response) { Play(request, response); });
  Run();
  EXPECT_EQ(asked->told, 0);
  upstream_.Fail(1, absl::InternalError("the recogniser is broken"));
  for (size_t call = 2; call < upstream_.calls(); ++call) {
    upstream_.Answer(call,
                     [this](const auto& request, auto* response) { Play(request, response); });
  }
  ASSERT_EQ(asked->told, 1);
  EXPECT_TRUE(asked->transcription.OverallStatus().ok());
}

TEST_F(TranscriptionTest, AnAnswerWithoutTheTensorsOfTheContractIsAnError) {
  Hold();
  const auto asked = Ask("ab");
  upstream_.Answer(0, [](const auto& request, auto* response) {
    static constexpr std::array<int64_t, 1> kOne = {1};
    const std::string pcm = FrameBytesElement("ab");
    const std::string start(8, '\0');
    std::string end(8, '\0');
    end[0] = 7;
    AppendOutputs({{"PCM", DataType::kBytes, kOne, pcm},
                   {"START", DataType::kInt64, kOne, start},
                   {"END", DataType::kInt64, kOne, end},
                   {"DURATION", DataType::kInt64, kOne, end}},
                  response);
  });
  ASSERT_EQ(asked->told, 1);
  EXPECT_EQ(asked->transcription.OverallStatus().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(asked->transcription.OverallStatus().message()),
              HasSubstr("model 'audio-segments' has a segment 0 that does not fit its times"));
}

TEST_F(TranscriptionTest, EndsWhenTheCallerGoesInAnyStep) {
  Hold();
  const auto early = Ask("ab");
  early->caller.Cancel(absl::CancelledError("gone"));
  ASSERT_EQ(early->told, 1);
  EXPECT_EQ(early->transcription.OverallStatus().code(), absl::StatusCode::kCancelled);

  const auto late = Ask("cd|ef");
  upstream_.Answer(upstream_.calls() - 1,
                   [this](const auto& request, auto* response) { Play(request, response); });
  Run();
  EXPECT_EQ(late->told, 0);
  late->caller.Cancel(absl::CancelledError("gone"));
  ASSERT_EQ(late->told, 1);
  EXPECT_EQ(late->transcription.OverallStatus().code(), absl::StatusCode::kCancelled);
}

TEST_F(TranscriptionTest, EndsAtTheCallersDeadline) {
  Hold();
  const auto asked = Ask("ab", "en", {.deadline = clock_.Monotonic() + absl::Seconds(1)});
  clock_.Advance(absl::Seconds(1));
  timers_.RunDue();
  ASSERT_EQ(asked->told, 1);
  EXPECT_EQ(asked->transcription.OverallStatus().code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace souvenir::gateway
