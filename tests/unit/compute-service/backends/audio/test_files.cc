#include "tests/unit/compute-service/backends/audio/test_files.h"

#include <gtest/gtest.h>
#include <sndfile.h>

#include <algorithm>
#include <cstring>
#include <fstream>

#include "common/read_file.h"
#include "tests/fakes/temporary_directory.h"

namespace souvenir::compute {
namespace {

constexpr uint64_t kMostBytes = 256 << 20;

int FormatOf(FileKind kind) {
  switch (kind) {
    case FileKind::kWav16:
      return SF_FORMAT_WAV | SF_FORMAT_PCM_16;
    case FileKind::kWav24:
      return SF_FORMAT_WAV | SF_FORMAT_PCM_24;
    case FileKind::kWavFloat:
      return SF_FORMAT_WAV | SF_FORMAT_FLOAT;
    case FileKind::kWavDouble:
      return SF_FORMAT_WAV | SF_FORMAT_DOUBLE;
    case FileKind::kWavMulaw:
      return SF_FORMAT_WAV | SF_FORMAT_ULAW;
    case FileKind::kWavAlaw:
      return SF_FORMAT_WAV | SF_FORMAT_ALAW;
    case FileKind::kAiff:
      return SF_FORMAT_AIFF | SF_FORMAT_PCM_16;
    case FileKind::kFlac:
      return SF_FORMAT_FLAC | SF_FORMAT_PCM_16;
    case FileKind::kVorbis:
      return SF_FORMAT_OGG | SF_FORMAT_VORBIS;
    case FileKind::kOpus:
      return SF_FORMAT_OGG | SF_FORMAT_OPUS;
    case FileKind::kMp3:
      return SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III;
  }
  return 0;
}

}  // namespace

std::string MakeFile(FileKind kind, int rate, int channels, absl::Span<const float> samples) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/audio";
  SF_INFO info{};
  info.samplerate = rate;
  info.channels = channels;
  info.format = FormatOf(kind);
  SNDFILE* const file = sf_open(path.c_str(), SFM_WRITE, &info);
  EXPECT_NE(file, nullptr) << sf_strerror(nullptr);
  // Otherwise float samples of 1 become the smallest number of a file of integers.
  (void)sf_command(file, SFC_SET_CLIPPING, nullptr, SF_TRUE);
  (void)sf_command(file, SFC_SET_ADD_PEAK_CHUNK, nullptr, SF_FALSE);
  // In blocks, because encoders have samples of a call on the stack.
  const size_t block = 4'096 * static_cast<size_t>(channels);
  for (size_t at = 0; at < samples.size(); at += block) {
    const auto count = static_cast<sf_count_t>(std::min(block, samples.size() - at));
    EXPECT_EQ(sf_write_float(file, samples.data() + at, count), count);
  }
  EXPECT_EQ(sf_close(file), 0);
  const auto bytes = ReadFile(path, kMostBytes);
  EXPECT_TRUE(bytes.ok()) << bytes.status();
  return *bytes;
}

std::string MakeFile(FileKind kind, absl::Span<const int16_t> samples) {
  std::vector<float> floats;
  floats.reserve(samples.size());
  for (const int16_t sample : samples) floats.push_back(static_cast<float>(sample) / 32768.0F);
  return MakeFile(kind, 16'000, 1, floats);
}

FileContent ReadAudio(const std::string& bytes) {
  const TemporaryDirectory directory;
  const std::string path = directory.path() + "/audio";
  std::ofstream(path, std::ios::binary) << bytes;
  SF_INFO info{};
  FileContent content;
  SNDFILE* const file = sf_open(path.c_str(), SFM_READ, &info);
  EXPECT_NE(file, nullptr) << sf_strerror(nullptr);
  if (file == nullptr) return content;
  SF_FORMAT_INFO format{};
  format.format = info.format & SF_FORMAT_TYPEMASK;
  (void)sf_command(nullptr, SFC_GET_FORMAT_INFO, &format, sizeof(format));
  content = {.rate = info.samplerate, .channels = info.channels, .kind = format.name};
  std::vector<int16_t> block(4'096 * static_cast<size_t>(info.channels));
  while (const sf_count_t read =
             sf_read_short(file, block.data(), static_cast<sf_count_t>(block.size()))) {
    content.samples.insert(content.samples.end(), block.begin(), block.begin() + read);
  }
  EXPECT_EQ(sf_error(file), 0);
  (void)sf_close(file);
  return content;
}

std::vector<int16_t> SpokenRecording(const std::string& name) {
  const auto bytes = ReadFile("/usr/share/pocketsphinx/test/data/" + name, kMostBytes);
  EXPECT_TRUE(bytes.ok()) << bytes.status() << "; install pocketsphinx-testdata";
  if (!bytes.ok()) return {};
  if (name.ends_with(".wav")) return ReadAudio(*bytes).samples;
  std::vector<int16_t> samples(bytes->size() / sizeof(int16_t));
  std::memcpy(samples.data(), bytes->data(), samples.size() * sizeof(int16_t));
  return samples;
}

std::string PcmBytes(absl::Span<const int16_t> samples) {
  return {reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(int16_t)};
}

}  // namespace souvenir::compute
