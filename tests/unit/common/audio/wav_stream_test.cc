#include "common/audio/wav_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "common/audio/wav_header.h"

namespace souvenir {
namespace {

using ::testing::HasSubstr;

std::string Number(uint32_t number, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text += static_cast<char>(number >> (8 * i));
  return text;
}

std::string Chunk(const std::string& id, const std::string& content) {
  std::string chunk = id + Number(static_cast<uint32_t>(content.size()), 4) + content;
  if (content.size() % 2 == 1) chunk += '\0';
  return chunk;
}

struct Format {
  uint32_t tag = 1;
  uint32_t channels = 1;
  uint32_t rate = 16'000;
  uint32_t frame_bytes = 2;
  uint32_t bits = 16;
  std::string more;  // of the extensible format
};

std::string FormatChunk(const Format& format) {
  return Chunk("fmt ", Number(format.tag, 2) + Number(format.channels, 2) + Number(format.rate, 4) +
                           Number(format.rate * format.frame_bytes, 4) +
                           Number(format.frame_bytes, 2) + Number(format.bits, 2) + format.more);
}

const std::string kHead = "RIFF" + Number(0xffffffff, 4) + "WAVE";

struct Parsed {
  absl::Status status;
  std::optional<PcmFormat> format;
  std::string audio;
};

Parsed Parse(const std::string& file, size_t piece = 1'000'000) {
  WavStream wav;
  Parsed parsed;
  for (size_t at = 0; at < file.size() && parsed.status.ok(); at += piece) {
    parsed.status = wav.Add(std::string_view(file).substr(at, piece), &parsed.audio);
  }
  if (parsed.status.ok()) parsed.status = wav.Finish();
  parsed.format = wav.format();
  return parsed;
}

TEST(WavStreamTest, ReadsWhatWavHeaderWrites) {
  const Parsed parsed = Parse(WavHeader(22'050, 6) + "abcdef");
  ASSERT_TRUE(parsed.status.ok()) << parsed.status;
  EXPECT_EQ(PcmFormatText(*parsed.format), "s16le;rate=22050;channels=1");
  EXPECT_EQ(parsed.audio, "abcdef");
}

TEST(WavStreamTest, TheSizesOfPiecesDoNotMatter) {
  const std::string file = kHead + Chunk("LIST", "odd") + FormatChunk({}) + Chunk("fact", "1234") +
                           Chunk("data", "abcdef") + Chunk("LIST", "after");
  for (size_t piece = 1; piece < file.size(); ++piece) {
    const Parsed parsed = Parse(file, piece);
    ASSERT_TRUE(parsed.status.ok()) << parsed.status;
    EXPECT_EQ(parsed.audio, "abcdef") << piece;
  }
}

TEST(WavStreamTest, ALengthThatIsNotKnownIsNotBelieved) {
  for (const uint32_t size : {0U, 0xffffffffU, 0x7fffffffU, 0x80000000U, 0x7ffff000U}) {
    const Parsed parsed =
        Parse(kHead + FormatChunk({}) + "data" + Number(size, 4) + std::string(100, 'x'));
    ASSERT_TRUE(parsed.status.ok()) << parsed.status;
    EXPECT_EQ(parsed.audio.size(), 100u) << size;
  }
}

TEST(WavStreamTest, KnowsTheEncodings) {
  const std::string extension =
      Number(22, 2) + Number(16, 2) + Number(3, 4) + Number(1, 2) + std::string(14, 'x');
  const std::pair<Format, std::string> cases[] = {
      {{.channels = 2, .rate = 44'100, .frame_bytes = 4}, "s16le;rate=44100;channels=2"},
      {{.frame_bytes = 1, .bits = 8}, "u8;rate=16000;channels=1"},
      {{.frame_bytes = 3, .bits = 24}, "s24le;rate=16000;channels=1"},
      {{.frame_bytes = 4, .bits = 32}, "s32le;rate=16000;channels=1"},
      {{.tag = 3, .frame_bytes = 4, .bits = 32}, "f32le;rate=16000;channels=1"},
      {{.tag = 6, .rate = 8'000, .frame_bytes = 1, .bits = 8}, "alaw;rate=8000;channels=1"},
      {{.tag = 7, .rate = 8'000, .frame_bytes = 1, .bits = 8}, "mulaw;rate=8000;channels=1"},
      {{.tag = 0xfffe, .channels = 2, .frame_bytes = 4, .more = extension},
       "s16le;rate=16000;channels=2"},
  };
  for (const auto& [format, text] : cases) {
    const Parsed parsed = Parse(kHead + FormatChunk(format) + Chunk("data", "ab"));
    ASSERT_TRUE(parsed.status.ok()) << text << ": " << parsed.status;
    EXPECT_EQ(PcmFormatText(*parsed.format), text);
  }
}

TEST(WavStreamTest, RefusesWhatIsWrong) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "ends before its samples"},
      {kHead + FormatChunk({}), "ends before its samples"},
      {"RIFX" + Number(4, 4) + "WAVE", "does not begin with RIFF and WAVE"},
      {kHead + Chunk("data", "ab"), "no format before its samples"},
      {kHead + FormatChunk({}) + FormatChunk({}), "two formats"},
      {kHead + Chunk("fmt ", "short"), "a format of 5 bytes"},
      {kHead + "fmt " + Number(0x7fffffff, 4) + "x", "a format of 2147483647 bytes"},
      {kHead + FormatChunk({.tag = 85}), "in the encoding 85"},
      {kHead + FormatChunk({.bits = 12}), "samples of 12 bits"},
      {kHead + FormatChunk({.channels = 0}), "0 channels"},
      {kHead + FormatChunk({.channels = 1'024, .frame_bytes = 2'048}), "1024 channels"},
      {kHead + FormatChunk({.rate = 1}), "1 samples a second"},
      {kHead + FormatChunk({.rate = 2'000'000'000}), "2000000000 samples a second"},
      {kHead + FormatChunk({.frame_bytes = 3}), "frames of 3 bytes, where 2 are expected"},
  };
  for (const auto& [file, message] : cases) {
    const absl::Status status = Parse(file).status;
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << message;
    EXPECT_THAT(std::string(status.message()), HasSubstr(message));
  }
}

TEST(WavStreamTest, TellsWavByItsFirstBytes) {
  EXPECT_TRUE(WavStream::IsWav(kHead));
  EXPECT_FALSE(WavStream::IsWav(kHead.substr(0, 11)));
  EXPECT_FALSE(WavStream::IsWav("RIFF....AVI "));
  EXPECT_FALSE(WavStream::IsWav("fLaC........"));
}

}  // namespace
}  // namespace souvenir
