#include "gateway/language/speech/stream_transcription.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "common/audio/segment_cutter.h"
#include "tests/fakes/sounds.h"
#include "tests/unit/gateway/language/speech/speech_fixture.h"

namespace souvenir::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr absl::Duration kIdle = absl::Seconds(30);
constexpr char kFormat[] = "s16le;rate=16000";

std::string BytesOf(const std::vector<int16_t>& samples) {
  return {reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(int16_t)};
}

// Returns a recording with `count` segments of about a second, all different.
std::vector<int16_t> Talk(size_t count) {
  std::vector<int16_t> samples = Silence(1);
  for (size_t i = 0; i < count; ++i) {
    Append(Syllables(1, 3'000, i + 1), &samples);
    Append(Silence(1), &samples);
  }
  return samples;
}

// A segment as it was told.
struct Told {
  absl::Duration start;
  absl::Duration end;
  std::string text;
  absl::Status status;
  CacheKind kind;
};

std::vector<Told> WholeRecording(const std::vector<int16_t>& samples,
                                 const SegmentCutter::Options& options = {}) {
  std::vector<SpeechSegment> segments;
  const auto cutter = *SegmentCutter::Create(options);
  cutter->Add(samples, &segments);
  cutter->Finish(&segments);
  std::vector<Told> told;
  for (const SpeechSegment& one : segments) {
    told.push_back({.start = DurationOfSamples(one.start, kSegmentRate),
                    .end = DurationOfSamples(one.end, kSegmentRate),
                    .text = "<" + BytesOf(one.samples) + ">"});
  }
  return told;
}

MATCHER_P(AreThoseOf, expected, "") {
  if (arg.size() != expected.size()) {
    *result_listener << "which has " << arg.size() << " segments instead of " << expected.size();
    return false;
  }
  for (size_t i = 0; i < arg.size(); ++i) {
    if (!arg[i].status.ok() || arg[i].start != expected[i].start || arg[i].end != expected[i].end ||
        arg[i].text != expected[i].text) {
      *result_listener << "where segment " << i << " differs: " << arg[i].status;
      return false;
    }
  }
  return true;
}

// A request, like that of a handler.
struct Asked final : StreamTranscription::Listener {
  Asked(const StreamTranscription::Options& options, const StreamTranscription::Parts& parts,
        Resolver* resolver)
      : caller(resolver, Lane::kTranscription), transcription(options, parts, this, &caller) {}

  void OnReady() override { ++ready; }
  void OnSegment(const TranscriptSegment& segment) override {
    segments.push_back(Copy(segment));
    if (takes) transcription.OnTaken();
  }
  void OnInterim(const TranscriptSegment& segment) override {
    interims.push_back(Copy(segment));
    if (takes) transcription.OnTaken();
  }
  void OnEnd(const absl::Status& status) override {
    EXPECT_FALSE(end.has_value());
    end = status;
  }

  static Told Copy(const TranscriptSegment& segment) {
    return {.start = segment.start,
            .end = segment.end,
            .text = std::string(segment.recognition.text),
            .status = segment.status,
            .kind = segment.provenance.kind};
  }

  // Sends the next piece if it is asked for. Returns false if it is not.
  bool Send(std::string bytes) {
    if (ready == sent) return false;
    ++sent;
    transcription.Add(std::move(bytes));
    return true;
  }

  SpeechCaller caller;
  StreamTranscription transcription;
  bool takes = true;  // events are sent at once
  int ready = 0;
  int sent = 0;  // messages, with the configuration
  std::vector<Told> segments;
  std::vector<Told> interims;
  std::optional<absl::Status> end;
};

class StreamTranscriptionTest : public SpeechTest {
 protected:
  // Ends what a test has left open, which has tasks and calls.
  ~StreamTranscriptionTest() override {
    for (const std::weak_ptr<Asked>& weak : begun_) {
      if (const std::shared_ptr<Asked> asked = weak.lock()) {
        asked->transcription.Cancel(absl::CancelledError("the test is over"));
      }
    }
    Run();
  }

  std::shared_ptr<Asked> Begin(StreamTranscriptionRequest request = {.format = kFormat,
                                                                     .language = "en"},
                               Resolver* resolver = nullptr, ResolveOptions resolve = {}) {
    auto asked = std::make_shared<Asked>(
        options_,
        StreamTranscription::Parts{
            .models = &speech_, .executor = &executor_, .timers = &timers_, .clock = &clock_},
        resolver != nullptr ? resolver : &resolver_);
    begun_.push_back(asked);
    asked->caller.SetOptions(std::move(resolve), "");
    EXPECT_TRUE(asked->caller.Enter(0).ok());
    asked->transcription.Start(asked);
    EXPECT_EQ(asked->ready, 1);
    asked->sent = 1;
    asked->transcription.Configure(request);
    Run();
    return asked;
  }

  // Sends a recording in pieces. Fails if a piece is not asked for.
  void SendAll(Asked& asked, const std::string& bytes, size_t piece = 3'001) {
    for (size_t at = 0; at < bytes.size(); at += piece) {
      ASSERT_TRUE(asked.Send(bytes.substr(at, piece))) << "at byte " << at;
      Run();
    }
  }

  std::shared_ptr<Asked> Transcribe(const std::vector<int16_t>& samples, size_t piece = 3'001) {
    auto asked = Begin();
    SendAll(*asked, BytesOf(samples), piece);
    asked->transcription.Finish(absl::OkStatus());
    Run();
    return asked;
  }

  // Answers a call to a model.
  void Answer(size_t call) {
    upstream_.Answer(call, [this](const auto& request, auto* response) {
      ++asked_[request.model_name()];
      Play(request, response);
    });
  }
  void AnswerAll() {
    for (size_t call = 0; call < upstream_.calls(); ++call) Answer(call);
  }

  // Answers all that comes until the recording ends.
  void AnswerUntilEnd(const Asked& asked) {
    for (int round = 0; round < 100 && !asked.end.has_value(); ++round) {
      Run();
      AnswerAll();
    }
    ASSERT_TRUE(asked.end.has_value());
  }

  Lanes::Stats lane(const Resolver& resolver) {
    return resolver.lanes().stats()[static_cast<size_t>(Lane::kTranscription)];
  }

  StreamTranscription::Options options_{.idle_timeout = kIdle};

 private:
  std::vector<std::weak_ptr<Asked>> begun_;
};

TEST_F(StreamTranscriptionTest, HasTheSegmentsOfTheWholeRecordingInOrder) {
  const std::vector<int16_t> samples = Talk(5);
  const auto asked = Transcribe(samples);
  ASSERT_TRUE(asked->end.has_value());
  EXPECT_TRUE(asked->end->ok()) << *asked->end;
  EXPECT_THAT(asked->segments, SizeIs(5));
  EXPECT_THAT(asked->segments, AreThoseOf(WholeRecording(samples)));
  EXPECT_THAT(asked->interims, IsEmpty());
  EXPECT_EQ(asked->transcription.segments(), 5u);
  EXPECT_EQ(asked->transcription.language(), "en");
  EXPECT_EQ(asked->transcription.duration(), absl::Seconds(11));
  EXPECT_EQ(asked->segments[0].kind, CacheKind::kMiss);
  EXPECT_EQ(lane(resolver_).held_bytes, 0u);
}

TEST_F(StreamTranscriptionTest, TheSizesOfPiecesDoNotMatter) {
  const std::vector<int16_t> samples = Talk(2);
  const std::vector<Told> whole = WholeRecording(samples);
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{160'000}, size_t{10'000'000}}) {
    const auto asked = Transcribe(samples, piece);
    EXPECT_THAT(asked->segments, AreThoseOf(whole)) << piece;
  }
  std::mt19937_64 random(1);
  for (int run = 0; run < 20; ++run) {
    const auto asked = Begin();
    const std::string bytes = BytesOf(samples);
    for (size_t at = 0; at < bytes.size();) {
      const size_t size = random() % (random() % 3 == 0 ? 50'000 : 50);
      ASSERT_TRUE(asked->Send(bytes.substr(at, size)));
      Run();
      at += size;
    }
    asked->transcription.Finish(absl::OkStatus());
    Run();
    EXPECT_THAT(asked->segments, AreThoseOf(whole)) << run;
  }
}

TEST_F(StreamTranscriptionTest, ARecordingOfAnotherFormHasItsSegments) {
  const std::vector<int16_t> samples = Talk(2);
  std::vector<int16_t> stereo;
  for (const int16_t sample : samples) stereo.insert(stereo.end(), {sample, sample});
  const auto asked = Begin({.format = "s16le;rate=16000;channels=2", .language = "en"});
  SendAll(*asked, BytesOf(stereo), 1'001);
  asked->transcription.Finish(absl::OkStatus());
  Run();
  EXPECT_THAT(asked->segments, AreThoseOf(WholeRecording(samples)));
}

TEST_F(StreamTranscriptionTest, TheSameRecordingIsRemembered) {
  const std::vector<int16_t> samples = Talk(3);
  Transcribe(samples);
  const int heard = asked("ears-en");
  const auto again = Transcribe(samples, 1'000);
  ASSERT_THAT(again->segments, SizeIs(3));
  for (const Told& segment : again->segments) EXPECT_EQ(segment.kind, CacheKind::kMemory);
  EXPECT_EQ(asked("ears-en"), heard);
}

TEST_F(StreamTranscriptionTest, CutsWithTheSettingsOfTheModelForSegmentation) {
  souvenir::state::v1::KnownModels models;
  auto* const segmenter = models.add_models();
  *segmenter = SpeechModel("audio-segments", "segmentation", /*by_rows=*/false, {{"AUDIO"}},
                           {{"PCM"}, {"START", "INT64"}, {"END", "INT64"}, {"DURATION", "INT64"}});
  SetParameter("max_segment_ms", "2000", segmenter);
  SetParameter("cut_search_ms", "500", segmenter);
  auto* const recogniser = models.add_models();
  *recogniser = SpeechModel("ears-en", "transcription", /*by_rows=*/true, {{"AUDIO"}},
                            {{"TEXT"}, {"WORDS"}, {"CONFIDENCE", "FP32"}});
  SetParameter("languages", "en", recogniser);
  catalog_.Update(models);
  speech_.OnCatalog(*catalog_.snapshot());
  const std::vector<int16_t> samples = Syllables(7, 3'000);
  const auto asked = Transcribe(samples);
  const std::vector<Told> expected =
      WholeRecording(samples, {.max_segment_ms = 2'000, .cut_search_ms = 500});
  EXPECT_GT(expected.size(), 3u);
  EXPECT_THAT(asked->segments, AreThoseOf(expected));
}

TEST_F(StreamTranscriptionTest, SegmentsAreToldInOrderWhoeverIsAnsweredFirst) {
  Hold();
  const std::vector<int16_t> samples = Talk(4);
  const auto asked = Begin();
  SendAll(*asked, BytesOf(samples));
  asked->transcription.Finish(absl::OkStatus());
  Run();
  EXPECT_THAT(asked->segments, IsEmpty());
  ASSERT_GT(upstream_.calls(), 0u);
  for (size_t call = upstream_.calls(); call-- > 0;) Answer(call);
  Run();
  AnswerAll();  // those that waited for a place
  Run();
  EXPECT_THAT(asked->segments, AreThoseOf(WholeRecording(samples)));
  EXPECT_TRUE(asked->end.has_value());
}

TEST_F(StreamTranscriptionTest, ASegmentIsToldWhenItClosesAndNotAtTheEnd) {
  const auto asked = Begin();
  SendAll(*asked, BytesOf(Talk(2)));
  EXPECT_THAT(asked->segments, SizeIs(2));
  EXPECT_FALSE(asked->end.has_value());
}

TEST_F(StreamTranscriptionTest, AsksForNoMoreWhileSegmentsAreUnanswered) {
  options_.max_segments = 2;
  Hold();
  const auto asked = Begin();
  const std::string bytes = BytesOf(Talk(20));
  size_t at = 0;
  const auto send = [&] {
    while (at < bytes.size() && asked->Send(bytes.substr(at, 8'000))) {
      Run();
      at += 8'000;
    }
  };
  send();
  EXPECT_GT(at, 0u);
  EXPECT_LT(at, bytes.size() / 4);
  EXPECT_LT(lane(resolver_).held_bytes, 500'000u);
  uint64_t most = 0;
  while (at < bytes.size()) {
    const size_t before = at;
    AnswerAll();
    Run();
    send();
    ASSERT_GT(at, before);
    most = std::max(most, lane(resolver_).held_bytes);
  }
  EXPECT_LT(most, 500'000u);
  asked->transcription.Finish(absl::OkStatus());
  AnswerUntilEnd(*asked);
  EXPECT_THAT(asked->segments, SizeIs(20));
}

TEST_F(StreamTranscriptionTest, ALargePieceIsCutLittleByLittle) {
  options_.max_segments = 2;
  Hold();
  const std::vector<int16_t> samples = Talk(20);
  const auto asked = Begin();
  ASSERT_TRUE(asked->Send(BytesOf(samples)));
  asked->transcription.Finish(absl::OkStatus());
  Run();
  EXPECT_LE(lane(resolver_).rows, 4u);
  for (int round = 0; round < 100 && !asked->end.has_value(); ++round) {
    AnswerAll();
    Run();
    EXPECT_LE(lane(resolver_).rows, 4u);
  }
  EXPECT_THAT(asked->segments, AreThoseOf(WholeRecording(samples)));
}

TEST_F(StreamTranscriptionTest, AsksForNoMoreWhileItsEventsAreNotTaken) {
  options_.max_segments = 3;
  const auto asked = Begin();
  asked->takes = false;
  const std::string bytes = BytesOf(Talk(10));
  size_t at = 0;
  for (; at < bytes.size() && asked->Send(bytes.substr(at, 8'000)); at += 8'000) Run();
  EXPECT_LT(at, bytes.size());
  EXPECT_THAT(asked->segments, SizeIs(3));
  asked->transcription.OnTaken();
  Run();
  EXPECT_TRUE(asked->Send(bytes.substr(at, 8'000)));
}

TEST_F(StreamTranscriptionTest, AFailedSegmentIsAnEventAndNotTheEnd) {
  Hold();
  const auto asked = Begin();
  const std::vector<int16_t> samples = Talk(2);
  SendAll(*asked, BytesOf(samples));
  asked->transcription.Finish(absl::OkStatus());
  Run();
  upstream_.Fail(0, absl::InternalError("the recogniser is broken"));
  Run();
  AnswerUntilEnd(*asked);
  EXPECT_TRUE(asked->end->ok());
  ASSERT_THAT(asked->segments, SizeIs(2));
  EXPECT_EQ(asked->segments[0].status.code(), absl::StatusCode::kInternal);
  EXPECT_EQ(asked->segments[0].start, WholeRecording(samples)[0].start);
  EXPECT_TRUE(asked->segments[1].status.ok()) << asked->segments[1].status;
}

TEST_F(StreamTranscriptionTest, InterimResultsAreThoseOfTheOpenSegmentAndAreNotRemembered) {
  const StreamTranscriptionRequest request{
      .format = kFormat, .language = "en", .interim_interval = absl::Seconds(1)};
  std::vector<int16_t> samples = Syllables(4, 3'000);
  souvenir::Append(Silence(1), &samples);
  const std::string bytes = BytesOf(samples);
  int questions = 0;
  for (int run = 0; run < 2; ++run) {
    const auto asked = Begin(request);
    for (size_t at = 0; at < bytes.size(); at += 3'200) {  // as a microphone gives it
      ASSERT_TRUE(asked->Send(bytes.substr(at, 3'200)));
      Run();
      clock_.Advance(absl::Milliseconds(100));
    }
    asked->transcription.Finish(absl::OkStatus());
    Run();
    ASSERT_THAT(asked->segments, SizeIs(1));
    EXPECT_THAT(asked->segments, AreThoseOf(WholeRecording(samples)));
    EXPECT_EQ(asked->segments[0].kind, run == 0 ? CacheKind::kMiss : CacheKind::kMemory);
    ASSERT_GE(asked->interims.size(), 3u);
    ASSERT_LE(asked->interims.size(), 5u);
    absl::Duration end;
    for (const Told& interim : asked->interims) {
      EXPECT_EQ(interim.start, asked->segments[0].start);
      EXPECT_GT(interim.end, end);
      EXPECT_EQ(interim.kind, CacheKind::kBypass);
      end = interim.end;
      // It has the samples so far.
      EXPECT_EQ(interim.text.substr(0, interim.text.size() - 1),
                asked->segments[0].text.substr(0, interim.text.size() - 1));
    }
    EXPECT_EQ(this->asked("ears-en") - questions,
              static_cast<int>(asked->interims.size()) + (run == 0 ? 1 : 0));
    questions = this->asked("ears-en");
  }
}

TEST_F(StreamTranscriptionTest, OneInterimResultIsUnderWayAndEndsWithItsSegment) {
  Hold();
  const auto asked =
      Begin({.format = kFormat, .language = "en", .interim_interval = absl::Milliseconds(100)});
  const std::string bytes = BytesOf(Syllables(3, 3'000));
  for (size_t at = 0; at < bytes.size(); at += 3'200) {
    ASSERT_TRUE(asked->Send(bytes.substr(at, 3'200)));
    Run();
    clock_.Advance(absl::Milliseconds(100));
  }
  EXPECT_EQ(upstream_.calls(), 1u);
  // The segment closes, and its whole is asked for.
  SendAll(*asked, BytesOf(Silence(1)));
  EXPECT_EQ(upstream_.calls(), 2u);
  EXPECT_TRUE(upstream_.cancelled(0));
  AnswerAll();
  Run();
  EXPECT_THAT(asked->segments, SizeIs(1));
  EXPECT_THAT(asked->interims, IsEmpty());
}

TEST_F(StreamTranscriptionTest, AFailedInterimResultIsNotTold) {
  Hold();
  const auto asked =
      Begin({.format = kFormat, .language = "en", .interim_interval = absl::Seconds(1)});
  SendAll(*asked, BytesOf(Syllables(1, 3'000)));
  ASSERT_EQ(upstream_.calls(), 1u);
  upstream_.Fail(0, absl::InternalError("too short"));
  Run();
  EXPECT_THAT(asked->interims, IsEmpty());
  EXPECT_FALSE(asked->end.has_value());
  EXPECT_TRUE(asked->Send(BytesOf(Silence(1))));
}

TEST_F(StreamTranscriptionTest, ThereAreNoInterimResultsWhileTheLaneIsBusy) {
  options_.max_interim_rows = 1;
  Hold();
  const auto other = Begin();
  SendAll(*other, BytesOf(Talk(1)));
  ASSERT_EQ(upstream_.calls(), 1u);
  const auto asked =
      Begin({.format = kFormat, .language = "en", .interim_interval = absl::Milliseconds(100)});
  SendAll(*asked, BytesOf(Syllables(1, 2'000)));
  EXPECT_EQ(upstream_.calls(), 1u);
  AnswerAll();
  Run();
  SendAll(*asked, BytesOf(Syllables(1, 2'000)));
  EXPECT_EQ(upstream_.calls(), 2u);
}

TEST_F(StreamTranscriptionTest, ACallerWhoWantsNothingComputedGetsNoInterimResults) {
  const auto asked =
      Begin({.format = kFormat, .language = "en", .interim_interval = absl::Milliseconds(100)},
            nullptr, {.cache = {.only_if_cached = true}});
  SendAll(*asked, BytesOf(Talk(1)));
  asked->transcription.Finish(absl::OkStatus());
  Run();
  EXPECT_EQ(this->asked("ears-en"), 0);
  ASSERT_THAT(asked->segments, SizeIs(1));
  EXPECT_EQ(asked->segments[0].status.code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(StreamTranscriptionTest, ASilentCallerGetsWhatCameAndThenTheReason) {
  const auto asked = Begin();
  const std::vector<int16_t> samples = Syllables(2, 3'000);
  SendAll(*asked, BytesOf(samples));
  clock_.Advance(kIdle - absl::Seconds(1));
  timers_.RunDue();
  Run();
  EXPECT_FALSE(asked->end.has_value());
  clock_.Advance(absl::Seconds(1));
  timers_.RunDue();
  Run();
  ASSERT_TRUE(asked->end.has_value());
  EXPECT_EQ(asked->end->code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(std::string(asked->end->message()), HasSubstr("nothing has come for 30s"));
  EXPECT_THAT(asked->segments, AreThoseOf(WholeRecording(samples)));
}

TEST_F(StreamTranscriptionTest, ACallerWhoIsNotAskedIsNotSilent) {
  options_.max_segments = 1;
  Hold();
  const auto asked = Begin();
  const std::string bytes = BytesOf(Talk(4));
  for (size_t at = 0; asked->Send(bytes.substr(at, 8'000)); at += 8'000) Run();
  clock_.Advance(kIdle + absl::Seconds(1));
  timers_.RunDue();
  Run();
  EXPECT_FALSE(asked->end.has_value());
}

TEST_F(StreamTranscriptionTest, ACallerWhoSendsNoConfigurationIsSilentToo) {
  const auto asked = std::make_shared<Asked>(
      options_, StreamTranscription::Parts{&speech_, &executor_, &timers_, &clock_}, &resolver_);
  asked->caller.SetOptions({}, "");
  ASSERT_TRUE(asked->caller.Enter(0).ok());
  asked->transcription.Start(asked);
  clock_.Advance(kIdle);
  timers_.RunDue();
  ASSERT_TRUE(asked->end.has_value());
  EXPECT_EQ(asked->end->code(), absl::StatusCode::kDeadlineExceeded);
  asked->transcription.Configure({.format = kFormat, .language = "en"});  // too late
  EXPECT_EQ(asked->ready, 1);
}

TEST_F(StreamTranscriptionTest, AStopTellsWhatCame) {
  Hold();
  const auto asked = Begin();
  const std::vector<int16_t> samples = Talk(1);
  SendAll(*asked, BytesOf(samples));
  asked->transcription.Finish(absl::UnavailableError("stopping"));
  Run();
  EXPECT_FALSE(asked->end.has_value());
  AnswerAll();
  Run();
  ASSERT_TRUE(asked->end.has_value());
  EXPECT_EQ(*asked->end, absl::UnavailableError("stopping"));
  EXPECT_THAT(asked->segments, AreThoseOf(WholeRecording(samples)));
}

TEST_F(StreamTranscriptionTest, EndsAtOnceWhenTheCallerGoes) {
  Hold();
  const auto asked = Begin();
  SendAll(*asked, BytesOf(Talk(2)));
  asked->transcription.Cancel(absl::CancelledError("gone"));
  ASSERT_TRUE(asked->end.has_value());
  EXPECT_EQ(*asked->end, absl::CancelledError("gone"));
  Run();
  AnswerAll();
  Run();
  EXPECT_THAT(asked->segments, IsEmpty());
  asked->transcription.Finish(absl::OkStatus());
  asked->transcription.OnTaken();
}

TEST_F(StreamTranscriptionTest, KeepsNothingAliveAfterItsEnd) {
  Hold();
  auto asked =
      Begin({.format = kFormat, .language = "en", .interim_interval = absl::Milliseconds(100)});
  SendAll(*asked, BytesOf(Talk(2)));
  SendAll(*asked, BytesOf(Syllables(1, 3'000)));
  ASSERT_TRUE(asked->Send(BytesOf(Talk(1))));  // is not cut yet
  asked->transcription.Cancel(absl::CancelledError("gone"));
  const std::weak_ptr<Asked> weak = asked;
  asked.reset();
  Run();
  AnswerAll();
  Run();
  EXPECT_TRUE(weak.expired());
}

TEST_F(StreamTranscriptionTest, MayEndWithoutAnyAudio) {
  const auto asked = Begin();
  asked->transcription.Finish(absl::OkStatus());
  Run();
  ASSERT_TRUE(asked->end.has_value());
  EXPECT_TRUE(asked->end->ok()) << *asked->end;
  EXPECT_EQ(asked->transcription.duration(), absl::ZeroDuration());
}

TEST_F(StreamTranscriptionTest, AnEndInsideAFrameIsToldAfterTheSegments) {
  const std::vector<int16_t> samples = Talk(1);
  const auto asked = Begin();
  SendAll(*asked, BytesOf(samples) + "x");
  asked->transcription.Finish(absl::OkStatus());
  Run();
  ASSERT_TRUE(asked->end.has_value());
  EXPECT_EQ(asked->end->code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(asked->end->message()), HasSubstr("ends inside a frame"));
  EXPECT_THAT(asked->segments, AreThoseOf(WholeRecording(samples)));
}

TEST_F(StreamTranscriptionTest, ASampleThatIsNoNumberEndsTheRecording) {
  const auto asked = Begin({.format = "f32le;rate=16000", .language = "en"});
  const float number = std::numeric_limits<float>::quiet_NaN();
  ASSERT_TRUE(asked->Send({reinterpret_cast<const char*>(&number), sizeof(number)}));
  Run();
  ASSERT_TRUE(asked->end.has_value());
  EXPECT_EQ(asked->end->code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(asked->end->message()), HasSubstr("not a finite number"));
}

TEST_F(StreamTranscriptionTest, RefusesWhatItCannotDo) {
  const std::pair<StreamTranscriptionRequest, absl::StatusCode> cases[] = {
      {{.format = kFormat, .language = "gl"}, absl::StatusCode::kNotFound},
      {{.format = kFormat, .language = "not a tag"}, absl::StatusCode::kInvalidArgument},
      {{.format = kFormat}, absl::StatusCode::kNotFound},
      {{.format = "mp3", .language = "en"}, absl::StatusCode::kInvalidArgument},
      {{.format = kFormat, .language = "en", .engine = "nobody"}, absl::StatusCode::kNotFound},
  };
  for (const auto& [request, code] : cases) {
    const auto asked = Begin(request);
    ASSERT_TRUE(asked->end.has_value());
    EXPECT_EQ(asked->end->code(), code) << *asked->end;
    EXPECT_EQ(asked->ready, 1);
  }
}

TEST_F(StreamTranscriptionTest, AFullExecutorIsAnError) {
  const auto asked = Begin();
  executor_.set_full(true);
  ASSERT_TRUE(asked->Send(BytesOf(Silence(1))));
  ASSERT_TRUE(asked->end.has_value());
  EXPECT_EQ(asked->end->code(), absl::StatusCode::kResourceExhausted);
  executor_.set_full(false);
}

TEST_F(StreamTranscriptionTest, AudioCountsInTheLane) {
  Resolver::Options options;
  options.lanes.of(Lane::kTranscription).max_bytes = 100'000;
  Resolver small(options, {&clock_, &timers_, cache_.get(), &executor_, &upstream_, &catalog_});
  const auto asked = Begin({.format = kFormat, .language = "en"}, &small);
  SendAll(*asked, BytesOf(Silence(60)));  // silence is not kept
  EXPECT_LT(lane(small).held_bytes, 100'000u);
  ASSERT_TRUE(asked->Send(std::string(100'001, '\0')));
  Run();
  ASSERT_TRUE(asked->end.has_value());
  EXPECT_EQ(asked->end->code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(asked->end->message()), HasSubstr("the limit is 100000"));

  // So does a segment that is open.
  const auto speaking = Begin({.format = kFormat, .language = "en"}, &small);
  const std::string bytes = BytesOf(Syllables(10, 3'000));
  for (size_t at = 0; at < bytes.size() && speaking->Send(bytes.substr(at, 8'000)); at += 8'000) {
    Run();
  }
  ASSERT_TRUE(speaking->end.has_value());
  EXPECT_EQ(speaking->end->code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace souvenir::gateway
