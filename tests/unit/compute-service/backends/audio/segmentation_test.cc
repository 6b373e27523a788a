#include "compute-service/backends/audio/segmentation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "tests/fakes/sounds.h"
#include "tests/unit/compute-service/backends/audio/audio_fixture.h"
#include "tests/unit/compute-service/backends/audio/test_files.h"

namespace souvenir::compute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kRaw[] = "s16le;rate=16000";

const char* const kSentences[] = {"librivox/sense_and_sensibility_01_austen_64kb-0870.wav",
                                  "librivox/sense_and_sensibility_01_austen_64kb-0880.wav",
                                  "librivox/sense_and_sensibility_01_austen_64kb-0890.wav",
                                  "librivox/sense_and_sensibility_01_austen_64kb-0920.wav",
                                  "librivox/sense_and_sensibility_01_austen_64kb-0930.wav"};

CutAnswer Cut(std::string_view audio, std::string_view format = "", const std::string& more = "") {
  const auto instance = MakeAudioInstance(kSegmentation + more);
  const auto answer = AskForSegments(*instance, audio, format);
  EXPECT_TRUE(answer.ok()) << answer.status();
  return answer.ok() ? *answer : CutAnswer();
}

std::string Refusal(std::string_view audio, std::string_view format = "",
                    const std::string& more = "") {
  const auto instance = MakeAudioInstance(kSegmentation + more);
  const absl::Status status = AskForSegments(*instance, audio, format).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  return std::string(status.message());
}

// One second of silence, two of sound, one of silence.
std::vector<int16_t> Sentence() {
  std::vector<int16_t> samples = Noise(1, 8);
  Append(Syllables(2, 2'000), &samples);
  Append(Noise(1, 8, 2), &samples);
  return samples;
}

TEST(SegmentationTest, GivesPlacesAndSamplesOfSegments) {
  const std::vector<int16_t> samples = Sentence();
  const CutAnswer answer = Cut(PcmBytes(samples), kRaw);
  ASSERT_EQ(answer.starts.size(), 1u);
  ASSERT_EQ(answer.ends.size(), 1u);
  EXPECT_EQ(answer.duration, 64'000);
  EXPECT_NEAR(static_cast<double>(answer.starts[0]), 16'000 - 3'200, 800);
  EXPECT_NEAR(static_cast<double>(answer.ends[0]), 48'000 + 4'800, 1'600);
  EXPECT_THAT(answer.pcm, ElementsAre(PcmBytes(absl::MakeConstSpan(samples).subspan(
                              static_cast<size_t>(answer.starts[0]),
                              static_cast<size_t>(answer.ends[0] - answer.starts[0])))));
}

TEST(SegmentationTest, OneRecordingHasTheSameSegmentsInEveryLosslessFile) {
  const std::vector<int16_t> samples = SpokenRecording(kSentences[0]);
  const CutAnswer raw = Cut(PcmBytes(samples), kRaw);
  EXPECT_FALSE(raw.pcm.empty());
  for (const FileKind kind : {FileKind::kWav16, FileKind::kWav24, FileKind::kWavFloat,
                              FileKind::kWavDouble, FileKind::kAiff, FileKind::kFlac}) {
    EXPECT_EQ(Cut(MakeFile(kind, samples)), raw) << static_cast<int>(kind);
  }
}

TEST(SegmentationTest, LossyFilesHaveNearlyTheSameSegments) {
  const std::vector<int16_t> samples = Sentence();
  const CutAnswer raw = Cut(PcmBytes(samples), kRaw);
  for (const FileKind kind : {FileKind::kWavMulaw, FileKind::kWavAlaw, FileKind::kVorbis,
                              FileKind::kOpus, FileKind::kMp3}) {
    const CutAnswer answer = Cut(MakeFile(kind, samples));
    ASSERT_EQ(answer.starts.size(), 1u) << static_cast<int>(kind);
    EXPECT_NEAR(static_cast<double>(answer.starts[0]), static_cast<double>(raw.starts[0]), 3'200);
    EXPECT_NEAR(static_cast<double>(answer.ends[0]), static_cast<double>(raw.ends[0]), 3'200);
    EXPECT_NEAR(static_cast<double>(answer.duration), 64'000, 2'500) << static_cast<int>(kind);
  }
}

TEST(SegmentationTest, RatesAndChannelsAreConverted) {
  for (const int rate : {8'000, 22'050, 44'100, 48'000, 192'000}) {
    std::vector<float> frames;
    const auto length = static_cast<size_t>(rate) * 3;
    for (size_t i = 0; i < length; ++i) {
      const bool loud = i >= length / 3 && i < length * 2 / 3;
      const double phase = static_cast<double>(i) / rate;
      const double sound = loud ? 0.3 * std::sin(phase * 2'000) * std::sin(phase * 20) : 0;
      frames.push_back(static_cast<float>(sound));
      frames.push_back(0);
    }
    const CutAnswer answer = Cut(MakeFile(FileKind::kWav24, rate, 2, frames));
    EXPECT_NEAR(static_cast<double>(answer.duration), 48'000, 1) << rate;
    ASSERT_EQ(answer.starts.size(), 1u) << rate;
    EXPECT_NEAR(static_cast<double>(answer.starts[0]), 16'000 - 3'200, 500) << rate;
  }
}

TEST(SegmentationTest, OurLawsAreThoseOfTheLibrary) {
  // All values in turn, so that there is a segment that shows most of them.
  std::vector<int16_t> samples = Silence(0.5);
  for (int i = 0; i < 100'000; ++i) samples.push_back(static_cast<int16_t>(i * 997));
  for (const auto& [kind, format] : {std::pair(FileKind::kWavMulaw, "mulaw;rate=16000"),
                                     {FileKind::kWavAlaw, "alaw;rate=16000"}}) {
    const std::string file = MakeFile(kind, samples);
    const CutAnswer answer = Cut(file.substr(file.find("data") + 8, samples.size()), format);
    ASSERT_EQ(answer.starts.size(), 1u);
    EXPECT_GT(answer.ends[0] - answer.starts[0], 40'000);
    EXPECT_TRUE(Cut(file) == answer) << format;
  }
}

// The share of frames of 20 ms, louder than the quietest tenth of the recording by `db`, that are
// in a segment.
double Covered(const std::vector<int16_t>& samples, const CutAnswer& answer, double db) {
  constexpr size_t kFrame = 320;
  std::vector<double> levels;
  for (size_t at = 0; at + kFrame <= samples.size(); at += kFrame) {
    double sum = 1;
    for (size_t i = at; i < at + kFrame; ++i) sum += static_cast<double>(samples[i]) * samples[i];
    levels.push_back(10 * std::log10(sum / kFrame));
  }
  std::vector<double> sorted = levels;
  std::sort(sorted.begin(), sorted.end());
  const double floor = sorted[sorted.size() / 10];
  double loud = 0;
  double covered = 0;
  for (size_t frame = 0; frame < levels.size(); ++frame) {
    if (levels[frame] < floor + db) continue;
    ++loud;
    const auto at = static_cast<int64_t>(frame * kFrame);
    for (size_t i = 0; i < answer.starts.size(); ++i) {
      if (answer.starts[i] <= at && at < answer.ends[i]) ++covered;
    }
  }
  return covered / loud;
}

TEST(SegmentationTest, TheSegmentsOfReadSentencesCoverTheirSpeech) {
  for (const char* const name : kSentences) {
    const std::vector<int16_t> samples = SpokenRecording(name);
    const CutAnswer answer = Cut(PcmBytes(samples), kRaw);
    EXPECT_GE(Covered(samples, answer, 12), 1) << name;
    EXPECT_EQ(answer.duration, static_cast<int64_t>(samples.size()));
  }
  for (const char* const name : {"cards/001.wav", "cards/002.wav", "cards/003.wav", "cards/004.wav",
                                 "cards/005.wav", "goforward.raw"}) {
    const std::vector<int16_t> samples = SpokenRecording(name);
    EXPECT_GE(Covered(samples, Cut(PcmBytes(samples), kRaw), 15), 1) << name;
  }
}

TEST(SegmentationTest, AQuietRecordingAndOneWithAnOffsetAreCutLikeTheOriginal) {
  std::vector<int16_t> samples = SpokenRecording(kSentences[1]);
  std::vector<int16_t> quiet;
  for (const int16_t sample : samples) quiet.push_back(Rounded(sample / 50.0));
  EXPECT_GE(Covered(samples, Cut(PcmBytes(quiet), kRaw), 15), 1);
  const std::vector<int16_t> moved = Mixed(std::vector<int16_t>(samples.size(), 3'000), samples);
  const CutAnswer answer = Cut(PcmBytes(samples), kRaw);
  const CutAnswer with_offset = Cut(PcmBytes(moved), kRaw);
  EXPECT_EQ(with_offset.starts, answer.starts);
  EXPECT_EQ(with_offset.ends, answer.ends);
}

TEST(SegmentationTest, SpeechInNoiseIsFound) {
  for (const double noise : {30.0, 100.0, 300.0}) {
    std::vector<int16_t> samples = Silence(2);
    Append(SpokenRecording(kSentences[2]), &samples);
    Append(Silence(2), &samples);
    const size_t length = samples.size();
    samples = Mixed(Noise(static_cast<double>(length) / kSpeechRate + 1, noise), samples);
    samples.resize(length);
    const CutAnswer answer = Cut(PcmBytes(samples), kRaw);
    EXPECT_GE(Covered(samples, answer, 12), 1) << noise;
    ASSERT_FALSE(answer.starts.empty());
    // The noise before and after it is left out.
    EXPECT_GT(answer.starts.front(), 16'000) << noise;
    EXPECT_LT(answer.ends.back(), static_cast<int64_t>(length) - 16'000) << noise;
  }
}

TEST(SegmentationTest, SentencesWithPausesBetweenThemAreSegmentsOfTheirOwn) {
  std::vector<int16_t> samples = Noise(2, 8);
  std::vector<int64_t> pauses;
  for (const char* const name : kSentences) {
    Append(SpokenRecording(name), &samples);
    pauses.push_back(static_cast<int64_t>(samples.size()) + 24'000);
    Append(Noise(3, 8, pauses.size()), &samples);
  }
  const CutAnswer answer = Cut(MakeFile(FileKind::kFlac, samples));
  EXPECT_GE(answer.starts.size(), std::size(kSentences));
  for (const int64_t pause : pauses) {
    for (size_t i = 0; i < answer.starts.size(); ++i) {
      EXPECT_FALSE(answer.starts[i] <= pause && pause < answer.ends[i]) << pause;
    }
  }
}

TEST(SegmentationTest, NothingSaidHasNoSegment) {
  for (const auto& samples : {Silence(0), Silence(2), Noise(5, 2'000), Silence(3, 20'000)}) {
    const CutAnswer answer = Cut(PcmBytes(samples), kRaw);
    EXPECT_THAT(answer.starts, IsEmpty());
    EXPECT_THAT(answer.pcm, IsEmpty());
    EXPECT_EQ(answer.duration, static_cast<int64_t>(samples.size()));
  }
}

TEST(SegmentationTest, OutputsThatAreNotAskedForAreLeftOut) {
  const auto instance =
      MakeAudioInstance(kSegmentation + AudioParameter("max_answer_bytes", "1024"));
  const auto outputs =
      RunAudio(*instance, {TextTensor("AUDIO", PcmBytes(Sentence())), TextTensor("FORMAT", kRaw)},
               {"DURATION", "END"});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_THAT(ToElements<int64_t>((*outputs)[0].data), ElementsAre(64'000));
}

TEST(SegmentationTest, LimitsAreNamedWithTheWayOut) {
  const std::string bytes = PcmBytes(Sentence());
  EXPECT_THAT(Refusal(bytes, kRaw, AudioParameter("max_answer_bytes", "50000")),
              HasSubstr("more than 50000 bytes, the limit of an answer (max_answer_bytes); cut it, "
                        "or send it as a stream"));
  EXPECT_THAT(Refusal(bytes, kRaw, AudioParameter("max_seconds", "3")),
              HasSubstr("longer than 3 seconds, the limit of one request (max_seconds)"));
  Cut(bytes, kRaw, AudioParameter("max_seconds", "4"));
}

TEST(SegmentationTest, AParameterChangesTheCut) {
  std::vector<int16_t> samples = Sentence();
  Append(Sentence(), &samples);
  EXPECT_EQ(Cut(PcmBytes(samples), kRaw).starts.size(), 2u);
  EXPECT_EQ(Cut(PcmBytes(samples), kRaw, AudioParameter("min_gap_ms", "3000")).starts.size(), 1u);
}

}  // namespace
}  // namespace souvenir::compute
