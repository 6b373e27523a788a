#include "common/audio/segment_cutter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <utility>

#include "tests/fakes/sounds.h"

namespace souvenir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

// Samples above 99 are speech. Frames have 160 samples, 10 ms.
class LoudIsSpeech final : public VoiceActivity {
 public:
  size_t frame_samples() const override { return 160; }
  bool HasSpeech(absl::Span<const int16_t> frame) override {
    return *std::max_element(frame.begin(), frame.end()) > 99;
  }
};

std::unique_ptr<SegmentCutter> Cutter(const SegmentCutter::Options& options = {}) {
  auto cutter = SegmentCutter::Create(options, std::make_unique<LoudIsSpeech>());
  EXPECT_TRUE(cutter.ok()) << cutter.status();
  return *std::move(cutter);
}

std::vector<SpeechSegment> CutAll(const std::vector<int16_t>& samples,
                                  std::unique_ptr<SegmentCutter> cutter) {
  std::vector<SpeechSegment> segments;
  cutter->Add(samples, &segments);
  cutter->Finish(&segments);
  EXPECT_EQ(cutter->samples(), static_cast<int64_t>(samples.size()));
  return segments;
}

// Builds a recording from pairs of level and milliseconds.
std::vector<int16_t> Recording(std::initializer_list<std::pair<int, int>> parts) {
  std::vector<int16_t> samples;
  for (const auto& [level, ms] : parts) {
    samples.insert(samples.end(), static_cast<size_t>(ms) * 16, static_cast<int16_t>(level));
  }
  return samples;
}

// Returns the borders of segments in milliseconds.
std::vector<std::pair<int64_t, int64_t>> Borders(const std::vector<SpeechSegment>& segments) {
  std::vector<std::pair<int64_t, int64_t>> borders;
  for (const SpeechSegment& one : segments) borders.emplace_back(one.start / 16, one.end / 16);
  return borders;
}

void ExpectTrueTo(const std::vector<int16_t>& samples, const std::vector<SpeechSegment>& segments,
                  int64_t longest) {
  int64_t last = 0;
  for (const SpeechSegment& one : segments) {
    ASSERT_LE(last, one.start);
    ASSERT_LT(one.start, one.end);
    ASSERT_LE(one.end, static_cast<int64_t>(samples.size()));
    ASSERT_LE(one.end - one.start, longest);
    ASSERT_TRUE(std::equal(one.samples.begin(), one.samples.end(), samples.begin() + one.start,
                           samples.begin() + one.end));
    last = one.end;
  }
}

TEST(SegmentCutterTest, CutsAtPausesAndPads) {
  const auto segments =
      CutAll(Recording({{0, 1000}, {900, 1000}, {0, 1000}, {900, 500}, {0, 1000}}), Cutter());
  // 200 ms before, 100 of hang-over and 200 after.
  EXPECT_THAT(Borders(segments), ElementsAre(Pair(800, 2300), Pair(2800, 3800)));
}

TEST(SegmentCutterTest, AShortPauseDoesNotCut) {
  EXPECT_THAT(Borders(CutAll(Recording({{900, 500}, {0, 490}, {900, 500}, {0, 2000}}), Cutter())),
              ElementsAre(Pair(0, 1790)));
  EXPECT_THAT(Borders(CutAll(Recording({{900, 500}, {0, 500}, {900, 500}, {0, 2000}}), Cutter())),
              ElementsAre(Pair(0, 800), Pair(800, 1800)));
}

TEST(SegmentCutterTest, LeavesOutWhatIsTooShort) {
  EXPECT_THAT(CutAll(Recording({{0, 500}, {900, 90}, {0, 500}}), Cutter()), IsEmpty());
  EXPECT_THAT(Borders(CutAll(Recording({{0, 500}, {900, 100}, {0, 800}}), Cutter())),
              ElementsAre(Pair(300, 900)));
  // Several short sounds are as much as a long one.
  EXPECT_THAT(
      Borders(CutAll(Recording({{0, 500}, {900, 50}, {0, 100}, {900, 50}, {0, 800}}), Cutter())),
      ElementsAre(Pair(300, 1000)));
}

TEST(SegmentCutterTest, ASegmentStaysInsideTheRecording) {
  EXPECT_THAT(Borders(CutAll(Recording({{0, 50}, {900, 500}, {0, 100}}), Cutter())),
              ElementsAre(Pair(0, 650)));
  std::vector<int16_t> samples = Recording({{900, 505}});
  samples.push_back(900);
  const auto segments = CutAll(samples, Cutter());
  ASSERT_EQ(segments.size(), 1u);
  EXPECT_EQ(segments[0].end, static_cast<int64_t>(samples.size()));
  ExpectTrueTo(samples, segments, 320'000);
}

TEST(SegmentCutterTest, NoneAndOneSampleHaveNoSegment) {
  EXPECT_THAT(CutAll({}, Cutter()), IsEmpty());
  EXPECT_THAT(CutAll({900}, Cutter()), IsEmpty());
  EXPECT_THAT(CutAll({}, *SegmentCutter::Create({})), IsEmpty());
  EXPECT_THAT(CutAll({-32768}, *SegmentCutter::Create({})), IsEmpty());
}

TEST(SegmentCutterTest, LongSpeechIsCutAtItsQuietestPlaceAndLosesNothing) {
  std::vector<int16_t> samples = Silence(1);
  Append(Noise(17, 3'000), &samples);
  Append(Noise(0.1, 800, 2), &samples);  // quieter at second 18, and still speech
  Append(Noise(22, 3'000, 3), &samples);
  Append(Silence(1), &samples);
  const auto segments = CutAll(samples, Cutter());
  ExpectTrueTo(samples, segments, 320'000);
  ASSERT_EQ(segments.size(), 3u);
  EXPECT_EQ(segments[0].start, 800 * 16);
  EXPECT_NEAR(static_cast<double>(segments[0].end) / 16, 18'050, 30);
  EXPECT_EQ(segments[1].start, segments[0].end);
  EXPECT_EQ(segments[2].start, segments[1].end);
  EXPECT_EQ(segments[2].end, 40'400 * 16);
}

TEST(SegmentCutterTest, WhatIsLeftOfSpeechAfterACutIsKeptHoweverShort) {
  // The quietest place is 30 ms before the end.
  std::vector<int16_t> samples = Noise(19.89, 3'000);
  Append(Recording({{100, 50}}), &samples);
  Append(Noise(0.03, 3'000, 2), &samples);
  Append(Silence(2), &samples);
  const auto segments = CutAll(samples, Cutter());
  ASSERT_EQ(segments.size(), 2u);
  EXPECT_EQ(segments[1].start, segments[0].end);
  EXPECT_GE(segments[1].end, SamplesOf(19.97));
}

TEST(SegmentCutterTest, ASegmentComesWhenThePauseHasLasted) {
  const auto cutter = Cutter();
  std::vector<SpeechSegment> segments;
  cutter->Add(Recording({{900, 500}, {0, 490}}), &segments);
  EXPECT_THAT(segments, IsEmpty());
  cutter->Add(Recording({{0, 10}}), &segments);
  EXPECT_THAT(Borders(segments), ElementsAre(Pair(0, 800)));
}

TEST(SegmentCutterTest, AnOpenSegmentHasWhatItWouldHaveAtTheEnd) {
  const auto cutter = Cutter();
  std::vector<SpeechSegment> segments;
  cutter->Add(Recording({{0, 1000}, {900, 90}}), &segments);
  EXPECT_FALSE(cutter->open().has_value());  // too little speech
  const std::vector<int16_t> samples = Recording({{0, 1000}, {900, 500}, {0, 490}});
  cutter->Add(absl::MakeConstSpan(samples).subspan(1'090 * 16), &segments);
  const auto open = cutter->open();
  ASSERT_TRUE(open.has_value());
  EXPECT_EQ(open->start, 800 * 16);
  ASSERT_EQ(open->samples.size(), (1'800u - 800u) * 16);
  EXPECT_TRUE(std::equal(open->samples.begin(), open->samples.end(), samples.begin() + 800 * 16));
  EXPECT_THAT(segments, IsEmpty());
  cutter->Add(Recording({{0, 10}}), &segments);
  EXPECT_THAT(Borders(segments), ElementsAre(Pair(800, 1800)));
  EXPECT_FALSE(cutter->open().has_value());
}

TEST(SegmentCutterTest, KeepsNoMoreThanASegment) {
  const auto cutter = Cutter({.max_segment_ms = 2'000, .cut_search_ms = 1'000});
  std::vector<SpeechSegment> segments;
  size_t most = 0;
  for (int i = 0; i < 600; ++i) {
    cutter->Add(Noise(0.1, i % 40 < 30 ? 3'000 : 0, static_cast<uint64_t>(i) + 1), &segments);
    most = std::max(most, cutter->kept_samples());
  }
  EXPECT_GT(segments.size(), 20u);
  EXPECT_LT(most, SamplesOf(2 + 1.5));  // samples are dropped once a second
  cutter->Finish(&segments);
  EXPECT_EQ(cutter->kept_samples(), 0u);
}

// Recordings of random sounds: silence, clicks, noise, tones and speech of any length.
std::vector<int16_t> RandomRecording(std::mt19937_64* random) {
  std::vector<int16_t> samples;
  while (samples.size() < SamplesOf(60)) {
    const double seconds =
        static_cast<double>((*random)() % 1'000) / ((*random)() % 9 == 0 ? 40 : 400);
    const auto level = static_cast<double>((*random)() % 4'000);
    switch ((*random)() % 4) {
      case 0:
        Append(Silence(seconds, static_cast<int16_t>(level)), &samples);
        break;
      case 1:
        Append(Noise(seconds, level, (*random)()), &samples);
        break;
      case 2:
        Append(Tone(seconds, level, level), &samples);
        break;
      default:
        Append(Syllables(seconds, level, (*random)()), &samples);
    }
  }
  samples.resize(samples.size() - (*random)() % 200);
  return samples;
}

TEST(SegmentCutterTest, TheSizesOfPiecesDoNotMatter) {
  std::mt19937_64 random(1);
  size_t found = 0;
  for (int run = 0; run < 20; ++run) {
    const std::vector<int16_t> samples = RandomRecording(&random);
    SegmentCutter::Options options;
    options.max_segment_ms = 1'000 + static_cast<int>(random() % 5'000);
    options.min_gap_ms = 10 + static_cast<int>(random() % 400);
    options.padding_before_ms = static_cast<int>(random() % 200) % options.min_gap_ms;
    options.padding_after_ms =
        static_cast<int>(random() % 200) % (options.min_gap_ms - options.padding_before_ms + 1);
    options.cut_search_ms = 100 + static_cast<int>(random() % 400);
    const auto whole = CutAll(samples, *SegmentCutter::Create(options));
    found += whole.size();
    // Lengths are rounded up to frames.
    ExpectTrueTo(samples, whole, (options.max_segment_ms + 10) * 16);
    for (const size_t most : {5, 500, 50'000}) {
      const auto cutter = *SegmentCutter::Create(options);
      std::vector<SpeechSegment> segments;
      InPieces(samples, most, &random, [&](absl::Span<const int16_t> piece) {
        cutter->Add(piece, &segments);
        // An open segment is a part of the recording, after the segments that have ended.
        const auto open = cutter->open();
        if (!open || most < 500) return;  // the smallest pieces would take long
        ASSERT_GE(open->start, segments.empty() ? 0 : segments.back().end);
        ASSERT_LE(open->start + static_cast<int64_t>(open->samples.size()), cutter->samples());
        ASSERT_TRUE(
            std::equal(open->samples.begin(), open->samples.end(), samples.begin() + open->start));
      });
      cutter->Finish(&segments);
      ASSERT_EQ(Borders(segments), Borders(whole));
      ExpectTrueTo(samples, segments, (options.max_segment_ms + 10) * 16);
    }
  }
  EXPECT_GT(found, 200u);
}

// Every frame with speech is in a segment, unless there was too little of it between two pauses.
TEST(SegmentCutterTest, LosesNoSpeech) {
  std::mt19937_64 random(2);
  for (int run = 0; run < 20; ++run) {
    const std::vector<int16_t> samples = RandomRecording(&random);
    const auto segments = CutAll(
        samples, Cutter({.min_speech_ms = 0, .max_segment_ms = 2'000, .cut_search_ms = 1'000}));
    size_t at = 0;
    LoudIsSpeech voice;
    for (size_t frame = 0; frame + 160 <= samples.size(); frame += 160) {
      if (!voice.HasSpeech(absl::MakeConstSpan(samples).subspan(frame, 160))) continue;
      while (at < segments.size() && segments[at].end <= static_cast<int64_t>(frame)) ++at;
      ASSERT_LT(at, segments.size());
      ASSERT_LE(segments[at].start, static_cast<int64_t>(frame));
      ASSERT_GE(segments[at].end, static_cast<int64_t>(frame) + 160);
    }
  }
}

TEST(SegmentCutterTest, RefusesOptionsOutOfTheirRange) {
  const std::pair<SegmentCutter::Options, std::string> cases[] = {
      {{.min_speech_ms = -1}, "min_speech_ms is -1; it must be from 0 to 5000"},
      {{.hangover_ms = 2'001}, "hangover_ms is 2001"},
      {{.min_gap_ms = 9}, "min_gap_ms is 9"},
      {{.padding_before_ms = 401}, "padding_before_ms is 401; it must be from 0 to 400"},
      {{.padding_before_ms = 300}, "padding_after_ms is 200; it must be from 0 to 100"},
      {{.max_segment_ms = 999}, "max_segment_ms is 999; it must be from 1000 to"},
      {{.min_gap_ms = 9'950}, "max_segment_ms is 20000; it must be from 20100 to"},
      {{.cut_search_ms = 10'001}, "cut_search_ms is 10001; it must be from 100 to 10000"},
      {{.voice = {.margin_db = 61}}, "margin_db is 61"},
  };
  for (const auto& [options, expected] : cases) {
    const absl::Status status = SegmentCutter::Create(options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(expected));
  }
}

}  // namespace
}  // namespace souvenir
