#include "cli/sample_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "common/audio/pcm_decoder.h"
#include "common/audio/speech_sampler.h"
#include "common/audio/wav_header.h"
#include "tests/fakes/sounds.h"
#include "tests/unit/cli/speech_fixture.h"

namespace souvenir::cli {
namespace {

using ::testing::HasSubstr;

std::string BytesOf(const std::vector<int16_t>& samples) {
  return {reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(int16_t)};
}

std::string ReadAllOf(SampleSource& source) {
  std::string all;
  while (true) {
    const absl::StatusOr<std::string> piece = source.Next();
    EXPECT_TRUE(piece.ok()) << piece.status();
    if (!piece.ok() || piece->empty()) return all;
    all += *piece;
  }
}

class SampleSourceTest : public SpeechTest {};

TEST_F(SampleSourceTest, AFileIsConvertedAsAModelForSegmentationDoes) {
  const std::vector<int16_t> sound = Syllables(2, 3'000);
  const std::string path = WriteFile(
      "a.wav", WavHeader(22'050, static_cast<uint32_t>(2 * sound.size())) + BytesOf(sound));
  std::vector<float> frames;
  PcmDecoder decoder({.rate = 22'050});
  decoder.Add(BytesOf(sound), &frames);
  std::vector<int16_t> expected;
  const auto sampler = *SpeechSampler::Create(22'050, 1);
  ASSERT_TRUE(sampler->Add(frames, &expected).ok());
  ASSERT_TRUE(sampler->Finish(&expected).ok());

  auto bytes = OpenAudioFile(path);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  const auto source = DecodeRecording(path, *std::move(bytes));
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ(PcmFormatText((*source)->format()), "s16le;rate=16000;channels=1");
  EXPECT_NEAR(absl::ToDoubleSeconds((*source)->length()),
              static_cast<double>(sound.size()) / 22'050, 0.001);
  EXPECT_TRUE(ReadAllOf(**source) == BytesOf(expected));
}

TEST_F(SampleSourceTest, WhatIsNoRecordingIsRefusedWithItsName) {
  const absl::Status status =
      DecodeRecording("talk.mp4", MakeAudioBytes("....ftypisom....")).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("talk.mp4, 16 bytes, is not an audio file"));
  EXPECT_EQ(OpenAudioFile(Path("gone.wav")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(OpenAudioFile(Path(".")).status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(SampleSourceTest, RawSamplesStayAsTheyAre) {
  const std::string bytes(100'000, 'x');
  const PcmFormat format{.encoding = PcmEncoding::kU8, .rate = 8'000, .channels = 2};
  const auto source = MakeRawSamples(format, bytes.size(), MakeBytes(bytes));
  EXPECT_EQ(source->length(), absl::Seconds(6.25));
  EXPECT_TRUE(ReadAllOf(*source) == bytes);
}

TEST_F(SampleSourceTest, ARawFileIsReadInPieces) {
  const std::string bytes = BytesOf(Noise(3, 1'000));
  auto file = OpenFileBytes(WriteFile("a.raw", bytes));
  ASSERT_TRUE(file.ok()) << file.status();
  const auto source = MakeRawSamples({.rate = 16'000}, 0, *std::move(file));
  EXPECT_EQ(source->length(), absl::ZeroDuration());
  const auto first = source->Next();
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->size(), 3'200u);
  EXPECT_TRUE(*first + ReadAllOf(*source) == bytes);
}

TEST_F(SampleSourceTest, ALiveWavFileBeginsWithWhatWasRead) {
  const std::string samples = BytesOf(Noise(1, 1'000));
  const std::string file = WavHeader(16'000, 0) + samples;
  for (const size_t first : {size_t{12}, size_t{44}, size_t{1'000}, file.size()}) {
    auto source = OpenWavSamples(file.substr(0, first), MakeBytes(file.substr(first)));
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ((*source)->format().rate, 16'000);
    EXPECT_TRUE(ReadAllOf(**source) == samples) << first;
  }
}

TEST_F(SampleSourceTest, AnInterruptEndsStandardInputAfterWhatWasWritten) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  std::istringstream in;
  std::ostringstream out;
  Console console{.in = in, .out = out, .err = out, .in_descriptor = pipe_ends[0]};
  const auto source = MakeRawSamples({.rate = 16'000}, 0, MakeStandardInput(console));
  ASSERT_EQ(write(pipe_ends[1], "abcd", 4), 4);
  ASSERT_EQ(raise(SIGINT), 0);
  EXPECT_EQ(ReadAllOf(*source), "abcd");
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

TEST_F(SampleSourceTest, ASampleSourceThatIsStoppedEnds) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  std::istringstream in;
  std::ostringstream out;
  Console console{.in = in, .out = out, .err = out, .in_descriptor = pipe_ends[0]};
  const auto source = MakeRawSamples({.rate = 16'000}, 0, MakeStandardInput(console));
  ASSERT_EQ(write(pipe_ends[1], "ab", 2), 2);
  const auto first = source->Next();
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(*first, "ab");  // what is there comes at once
  source->Stop();
  const auto second = source->Next();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(*second, "");
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

}  // namespace
}  // namespace souvenir::cli
