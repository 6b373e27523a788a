#include "common/audio/pcm_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

#include "tests/fakes/sounds.h"

namespace souvenir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<float> Decoded(const std::string& format, std::string_view bytes) {
  PcmDecoder decoder(*ParsePcmFormat(format));
  std::vector<float> samples;
  decoder.Add(bytes, &samples);
  EXPECT_TRUE(decoder.Finish().ok()) << decoder.Finish();
  return samples;
}

std::string Bytes(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

TEST(PcmDecoderTest, DecodesEachEncoding) {
  EXPECT_THAT(Decoded("s16le;rate=8000", Bytes({0, 0x80, 0xff, 0x7f, 1, 0})),
              ElementsAre(-1, 32767 / 32768.0F, 1 / 32768.0F));
  EXPECT_THAT(Decoded("s16be;rate=8000", Bytes({0x80, 0, 0x7f, 0xff, 0, 1})),
              ElementsAre(-1, 32767 / 32768.0F, 1 / 32768.0F));
  EXPECT_THAT(Decoded("s24le;rate=8000", Bytes({0, 0, 0x80, 1, 0, 0, 0, 0, 0x40})),
              ElementsAre(-1, 1 / 8388608.0F, 0.5F));
  EXPECT_THAT(Decoded("s32le;rate=8000", Bytes({0, 0, 0, 0x80, 0, 0, 0, 0x20})),
              ElementsAre(-1, 0.25F));
  EXPECT_THAT(Decoded("f32le;rate=8000", Bytes({0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0})),
              ElementsAre(1, -2));
  EXPECT_THAT(Decoded("u8;rate=8000", Bytes({0, 0x80, 0xc0})), ElementsAre(-1, 0, 0.5F));
  // The first and last steps of both laws, as ITU-T G.191's tables have them.
  EXPECT_THAT(Decoded("mulaw;rate=8000", Bytes({0xff, 0x7f, 0x80, 0x00, 0xfe})),
              ElementsAre(0, 0, 32124 / 32768.0F, -32124 / 32768.0F, 8 / 32768.0F));
  EXPECT_THAT(
      Decoded("alaw;rate=8000", Bytes({0xd5, 0x55, 0xaa, 0x2a, 0xd4})),
      ElementsAre(8 / 32768.0F, -8 / 32768.0F, 32256 / 32768.0F, -32256 / 32768.0F, 24 / 32768.0F));
}

TEST(PcmDecoderTest, TheSizesOfPiecesDoNotMatter) {
  std::mt19937_64 random(1);
  for (const char* encoding :
       {"s16le", "s16be", "s24le", "s32le", "f32le", "u8", "mulaw", "alaw"}) {
    for (const int channels : {1, 2, 5, 8}) {
      const auto format =
          ParsePcmFormat(std::string(encoding) + ";rate=8000;channels=" + std::to_string(channels));
      ASSERT_TRUE(format.ok());
      std::vector<char> bytes(97 * format->frame_bytes());
      for (char& byte : bytes) byte = static_cast<char>(random());
      const std::vector<float> whole =
          Decoded(PcmFormatText(*format), {bytes.data(), bytes.size()});
      EXPECT_EQ(whole.size(), 97u * static_cast<size_t>(channels));
      for (const size_t most : {1, 3, 50, 1000}) {
        PcmDecoder decoder(*format);
        std::vector<float> samples;
        InPieces(bytes, most, &random, [&](absl::Span<const char> piece) {
          decoder.Add({piece.data(), piece.size()}, &samples);
          EXPECT_EQ(samples.size() % static_cast<size_t>(channels), 0u);
        });
        ASSERT_TRUE(decoder.Finish().ok());
        // Bytes and not numbers, because f32le has some that are none.
        ASSERT_EQ(samples.size(), whole.size());
        EXPECT_EQ(std::memcmp(samples.data(), whole.data(), whole.size() * sizeof(float)), 0);
      }
    }
  }
}

TEST(PcmDecoderTest, AnEndInsideAFrameIsRefusedWithItsBytes) {
  PcmDecoder decoder(*ParsePcmFormat("s16le;rate=44100;channels=2"));
  std::vector<float> samples;
  decoder.Add("1234567", &samples);
  EXPECT_EQ(samples.size(), 2u);
  EXPECT_EQ(decoder.Finish().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(decoder.Finish().message()),
              HasSubstr("3 bytes are left, and a frame of s16le;rate=44100;channels=2 has 4"));
  decoder.Add("8", &samples);
  EXPECT_TRUE(decoder.Finish().ok());
  EXPECT_EQ(samples.size(), 4u);
}

}  // namespace
}  // namespace souvenir
