#include "common/audio/energy_voice_activity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/fakes/sounds.h"

namespace souvenir {
namespace {

using ::testing::HasSubstr;

// Returns the share of frames with speech from second `begin` to second `end`.
double Share(const std::vector<int16_t>& samples, double begin, double end,
             const EnergyVoiceActivity::Options& options = {}) {
  const auto voice = EnergyVoiceActivity::Create(options);
  EXPECT_TRUE(voice.ok()) << voice.status();
  const size_t frame = (*voice)->frame_samples();
  double frames = 0;
  double speech = 0;
  for (size_t at = 0; at + frame <= samples.size(); at += frame) {
    const bool has_speech = (*voice)->HasSpeech(absl::MakeConstSpan(samples).subspan(at, frame));
    if (at < SamplesOf(begin) || at >= SamplesOf(end)) continue;
    ++frames;
    if (has_speech) ++speech;
  }
  return speech / frames;
}

TEST(EnergyVoiceActivityTest, SilenceNoiseAndTonesAreNoSpeech) {
  EXPECT_EQ(Share(Silence(3), 0, 3), 0);
  EXPECT_EQ(Share(Silence(3, 12'000), 0, 3), 0);
  for (const double rms : {1, 30, 1'000, 12'000}) {
    EXPECT_EQ(Share(Noise(5, rms), 0, 5), 0) << rms;
    EXPECT_EQ(Share(Tone(5, 440, rms), 0, 5), 0) << rms;
  }
}

TEST(EnergyVoiceActivityTest, WhatRisesAboveTheNoiseIsSpeechAtAnyLevel) {
  // From a loud room to a recording of which only eight bits are used.
  for (const double noise : {2.0, 20.0, 300.0}) {
    for (const double ratio : {10.0, 60.0}) {
      if (noise * ratio < 100) continue;
      std::vector<int16_t> samples = Silence(2);
      Append(Syllables(2, noise * ratio), &samples);
      Append(Silence(2), &samples);
      const std::vector<int16_t> sound = Mixed(Noise(6, noise, 7), samples);
      EXPECT_EQ(Share(sound, 0, 2), 0) << noise << " " << ratio;
      EXPECT_GT(Share(sound, 2, 4), 0.7) << noise << " " << ratio;
      EXPECT_EQ(Share(sound, 4.05, 6), 0) << noise << " " << ratio;
    }
  }
}

TEST(EnergyVoiceActivityTest, AnOffsetChangesNothing) {
  std::vector<int16_t> samples = Silence(1);
  Append(Syllables(1, 1'000), &samples);
  Append(Silence(1), &samples);
  const std::vector<int16_t> sound = Mixed(Noise(3, 10, 7), samples);
  const double share = Share(sound, 1, 2);
  EXPECT_GT(share, 0.7);
  EXPECT_NEAR(Share(Mixed(Silence(3, 8'000), sound), 1, 2), share, 0.02);
  EXPECT_EQ(Share(Mixed(Silence(3, 8'000), sound), 0, 1), 0);
}

TEST(EnergyVoiceActivityTest, SpeechFromTheFirstSampleIsNoticedAfterASyllable) {
  EXPECT_GT(Share(Mixed(Noise(3, 10), Syllables(3, 1'000)), 0.3, 3), 0.7);
}

TEST(EnergyVoiceActivityTest, NoiseThatGrowsIsSpeechOnlyForTheTimeOfItsWindow) {
  std::vector<int16_t> samples = Noise(5, 10);
  Append(Noise(10, 300, 2), &samples);
  EXPECT_GT(Share(samples, 5, 7), 0.9);
  EXPECT_EQ(Share(samples, 8.3, 15), 0);
}

TEST(EnergyVoiceActivityTest, RefusesOptionsOutOfTheirRange) {
  EXPECT_THAT(std::string(EnergyVoiceActivity::Create({.margin_db = 0}).status().message()),
              HasSubstr("margin_db is 0; it must be from 1 to 60"));
  EXPECT_THAT(std::string(EnergyVoiceActivity::Create({.release_db = 9}).status().message()),
              HasSubstr("release_db is 9; it must be from 0 to 8"));
  EXPECT_FALSE(EnergyVoiceActivity::Create({.least_dbfs = 1}).ok());
  EXPECT_FALSE(EnergyVoiceActivity::Create({.noise_seconds = 0}).ok());
}

}  // namespace
}  // namespace souvenir
