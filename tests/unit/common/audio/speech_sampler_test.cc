#include "common/audio/speech_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include "tests/fakes/sounds.h"

namespace souvenir {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<int16_t> Sampled(int rate, int channels, const std::vector<float>& frames) {
  const auto sampler = SpeechSampler::Create(rate, channels);
  EXPECT_TRUE(sampler.ok()) << sampler.status();
  std::vector<int16_t> samples;
  EXPECT_TRUE((*sampler)->Add(frames, &samples).ok());
  EXPECT_TRUE((*sampler)->Finish(&samples).ok());
  return samples;
}

std::vector<float> Sine(int rate, double seconds, double hertz, double amplitude) {
  std::vector<float> samples(static_cast<size_t>(rate * seconds));
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<float>(
        amplitude * std::sin(2 * std::numbers::pi * hertz * static_cast<double>(i) / rate));
  }
  return samples;
}

double Rms(absl::Span<const int16_t> samples) {
  double sum = 0;
  for (const int16_t sample : samples) sum += static_cast<double>(sample) * sample;
  return std::sqrt(sum / static_cast<double>(samples.size()));
}

TEST(SpeechSamplerTest, SixteenBitsAtTheSameRateStayAsTheyAre) {
  std::vector<float> frames;
  std::vector<int16_t> expected;
  for (int value = -32768; value <= 32767; value += 7) {
    frames.push_back(static_cast<float>(value) / 32768.0F);
    expected.push_back(static_cast<int16_t>(value));
  }
  EXPECT_EQ(Sampled(16'000, 1, frames), expected);
}

TEST(SpeechSamplerTest, AveragesChannelsAndClips) {
  EXPECT_THAT(Sampled(16'000, 2, {0.5F, -0.25F, 1.0F, 1.0F, -3.0F, -1.0F, 1e30F, -1e30F}),
              ElementsAre(4096, 32767, -32768, 0));
  EXPECT_THAT(Sampled(16'000, 8, {1, 0, 0, 0, 0, 0, 0, 0}), ElementsAre(4096));
}

TEST(SpeechSamplerTest, AToneKeepsItsLengthAndItsLoudness) {
  for (const int rate : {8'000, 11'025, 22'050, 44'100, 48'000, 96'000, 192'000}) {
    const std::vector<int16_t> samples = Sampled(rate, 1, Sine(rate, 2, 1'000, 0.5));
    EXPECT_NEAR(static_cast<double>(samples.size()), 32'000, 1) << rate;
    const auto middle = absl::MakeConstSpan(samples).subspan(8'000, 16'000);
    EXPECT_NEAR(Rms(middle), 0.5 / std::numbers::sqrt2 * 32768, 12) << rate;
  }
}

TEST(SpeechSamplerTest, WhatTheLowerRateCannotHaveIsFilteredOut) {
  const std::vector<int16_t> samples = Sampled(48'000, 1, Sine(48'000, 2, 11'000, 0.5));
  EXPECT_LT(Rms(absl::MakeConstSpan(samples).subspan(8'000, 16'000)), 2);
}

TEST(SpeechSamplerTest, TheSizesOfPiecesDoNotMatter) {
  std::mt19937_64 random(1);
  for (const int rate : {8'000, 16'000, 22'050, 44'100, 48'000}) {
    std::vector<float> frames = Sine(rate, 3, 440, 0.4);
    for (float& sample : frames) sample += static_cast<float>(random() % 1000) * 1e-4F;
    const std::vector<int16_t> whole = Sampled(rate, 1, frames);
    for (const size_t most : {7, 777, 20'000, 100'000}) {
      const auto sampler = SpeechSampler::Create(rate, 1);
      std::vector<int16_t> samples;
      InPieces(frames, most, &random, [&](absl::Span<const float> piece) {
        ASSERT_TRUE((*sampler)->Add(piece, &samples).ok());
      });
      ASSERT_TRUE((*sampler)->Finish(&samples).ok());
      EXPECT_EQ(samples, whole) << rate << " in pieces of up to " << most;
    }
  }
}

TEST(SpeechSamplerTest, NoneAndOneSampleAreTaken) {
  for (const int rate : {8'000, 16'000, 44'100}) {
    EXPECT_TRUE(Sampled(rate, 1, {}).empty());
    EXPECT_LE(Sampled(rate, 1, {0.5F}).size(), 2u);
  }
}

TEST(SpeechSamplerTest, WhatIsNoNumberIsRefusedWithItsPlace) {
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
        -std::numeric_limits<float>::infinity()}) {
    const auto sampler = SpeechSampler::Create(44'100, 2);
    std::vector<int16_t> samples;
    ASSERT_TRUE((*sampler)->Add({0, 0, 0, 0}, &samples).ok());
    const absl::Status status = (*sampler)->Add({0, 0, 0, bad}, &samples);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("frame 3, channel 1"));
  }
}

TEST(SpeechSamplerTest, RefusesRatesAndChannelsBeyondItsLimits) {
  EXPECT_THAT(std::string(SpeechSampler::Create(1, 1).status().message()),
              HasSubstr("the audio has 1 samples a second; 8000 to 192000 are supported"));
  EXPECT_THAT(std::string(SpeechSampler::Create(2'000'000'000, 1).status().message()),
              HasSubstr("2000000000 samples a second"));
  EXPECT_THAT(std::string(SpeechSampler::Create(16'000, 1'024).status().message()),
              HasSubstr("the audio has 1024 channels; 1 to 8 are supported"));
  EXPECT_FALSE(SpeechSampler::Create(16'000, 0).ok());
}

}  // namespace
}  // namespace souvenir
