#include "compute-service/backends/audio/audio_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "common/audio/ogg_pages.h"
#include "tests/fakes/sounds.h"
#include "tests/unit/compute-service/backends/audio/audio_fixture.h"
#include "tests/unit/compute-service/backends/audio/test_files.h"

namespace souvenir::compute {
namespace {

using ::testing::HasSubstr;

constexpr int kRates[] = {8'000, 11'025, 16'000, 22'050, 24'000, 44'100, 48'000, 96'000, 192'000};

std::string Written(const std::vector<int16_t>& samples, int rate, std::string_view container) {
  const auto file = WriteAudioFile(PcmBytes(samples), rate, container);
  EXPECT_TRUE(file.ok()) << file.status() << " " << rate << " " << container;
  return file.ok() ? *file : "";
}

std::string FaultOf(const std::string& file) {
  AudioBytes bytes(file);
  return OggFault(&bytes);
}

TEST(AudioWriterTest, LosslessFilesHaveTheSamples) {
  for (const std::vector<int16_t>& samples :
       {Syllables(1.3, 3'000), Silence(0.001), std::vector<int16_t>{-32'768, 32'767}}) {
    for (const int rate : kRates) {
      for (const std::string_view container : {"wav", "flac"}) {
        const FileContent content = ReadAudio(Written(samples, rate, container));
        EXPECT_EQ(content.rate, rate);
        EXPECT_EQ(content.channels, 1);
        EXPECT_EQ(content.samples, samples);
        EXPECT_THAT(content.kind, HasSubstr(container == "wav" ? "WAV" : "FLAC"));
      }
    }
  }
}

TEST(AudioWriterTest, VorbisKeepsLengthAndLoudness) {
  const std::vector<int16_t> samples = Syllables(2, 3'000);
  const auto power = [](const std::vector<int16_t>& sound) {
    double sum = 0;
    for (const int16_t sample : sound) sum += static_cast<double>(sample) * sample;
    return sum;
  };
  for (const int rate : kRates) {
    const std::string file = Written(samples, rate, "ogg");
    EXPECT_LT(file.size(), samples.size()) << rate;
    const FileContent content = ReadAudio(file);
    EXPECT_EQ(content.rate, rate);
    EXPECT_EQ(content.samples.size(), samples.size());
    // At higher rates most of this noise is above what one can hear, and is left out.
    if (rate <= 48'000) {
      EXPECT_NEAR(power(content.samples) / power(samples), 1, 0.3) << rate;
    }
    EXPECT_THAT(content.kind, HasSubstr("OGG"));
  }
}

TEST(AudioWriterTest, TheSameSamplesGiveTheSameBytes) {
  const std::vector<int16_t> samples = Syllables(2, 3'000);
  for (const std::string_view container : {"wav", "flac", "ogg"}) {
    const std::string first = Written(samples, 22'050, container);
    // The library takes the stream's number in Ogg from a sequence of its own.
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Written(samples, 22'050, container), first) << container;
  }
}

TEST(AudioWriterTest, PagesOfOggHaveTheirNumberAndARightChecksum) {
  std::string file = Written(Syllables(2, 3'000), 22'050, "ogg");
  EXPECT_EQ(FaultOf(file), "");
  EXPECT_EQ(file.substr(14, 4), std::string("\1\0\0\0", 4));
  // Our checksum is that of libogg.
  EXPECT_EQ(FaultOf(MakeFile(FileKind::kVorbis, Syllables(2, 3'000))), "");
  EXPECT_THAT(FaultOf(file.substr(0, file.size() - 1)), HasSubstr("no whole page begins at byte"));
  file[file.size() / 2] = static_cast<char>(file[file.size() / 2] ^ 1);
  EXPECT_THAT(FaultOf(file), HasSubstr("has a wrong checksum"));
}

TEST(AudioWriterTest, NoSamplesMakeAFileThatCanBePlayed) {
  for (const std::string_view container : {"wav", "flac", "ogg"}) {
    const std::string file = Written({}, 16'000, container);
    const std::vector<int16_t> samples = ReadAudio(file).samples;
    EXPECT_EQ(samples, std::vector<int16_t>(container == "wav" ? 0 : 1)) << container;
    EXPECT_EQ(Written({}, 16'000, container), file);
  }
}

TEST(AudioWriterTest, NoFileHasADate) {
  for (const std::string_view container : {"wav", "flac", "ogg"}) {
    const std::string file = Written(Syllables(0.5, 3'000), 22'050, container);
    EXPECT_EQ(file.find("20"
                        "26"),
              std::string::npos)
        << container;
    EXPECT_EQ(file.find("DATE"), std::string::npos) << container;
  }
}

TEST(AudioWriterTest, RefusesWhatCannotBeWritten) {
  const auto refusal = [](std::string_view pcm, int rate, std::string_view container) {
    const absl::Status status = WriteAudioFile(pcm, rate, container).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    return std::string(status.message());
  };
  EXPECT_THAT(refusal("ab", 16'000, "mp3"), HasSubstr("it must be wav, flac or ogg"));
  EXPECT_THAT(refusal("abc", 16'000, "wav"), HasSubstr("PCM has 3 bytes; a sample has 2"));
  EXPECT_THAT(refusal("ab", 7'999, "wav"), HasSubstr("SAMPLE_RATE is 7999"));
  EXPECT_THAT(refusal("ab", 192'001, "wav"), HasSubstr("from 8000 to 192000"));
  EXPECT_THAT(refusal("ab", 191'999, "flac"), HasSubstr("flac at 191999 Hz cannot be written"));
}

TEST(AudioWriterTest, TheModelEncodesRowByRow) {
  const auto instance = MakeAudioInstance(kEncoding);
  const std::string pcm = PcmBytes(Syllables(0.5, 3'000));
  const std::vector<Tensor> inputs = {
      {"PCM", DataType::kBytes, {2, 1}, FrameBytesElement(pcm) + FrameBytesElement("")},
      {"SAMPLE_RATE", DataType::kInt32, {2, 1}, FromElements<int32_t>({22'050, 8'000})},
      {"CONTAINER",
       DataType::kBytes,
       {2, 1},
       FrameBytesElement("flac") + FrameBytesElement("wav")}};
  const auto outputs = RunAudio(*instance, inputs, {"AUDIO"});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_THAT((*outputs)[0].shape, ::testing::ElementsAre(2, 1));
  EXPECT_EQ((*outputs)[0].data, FrameBytesElement(*WriteAudioFile(pcm, 22'050, "flac")) +
                                    FrameBytesElement(*WriteAudioFile("", 8'000, "wav")));
  const std::vector<Tensor> bad = {
      inputs[0],
      inputs[1],
      {"CONTAINER", DataType::kBytes, {2, 1}, FrameBytesElement("flac") + FrameBytesElement("")}};
  EXPECT_THAT(std::string(RunAudio(*instance, bad, {"AUDIO"}).status().message()),
              HasSubstr("row 1: CONTAINER, 0 bytes, is unknown"));
}

}  // namespace
}  // namespace souvenir::compute
