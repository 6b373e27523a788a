#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>
#include <vector>

#include "absl/types/span.h"
#include "common/audio/speech_rate.h"

namespace souvenir {

// Sounds at kSpeechRate, the same in every run. `rms` is in units of a sample's lowest bit.

inline size_t SamplesOf(double seconds) {
  return static_cast<size_t>(std::lrint(seconds * kSpeechRate));
}

inline std::vector<int16_t> Silence(double seconds, int16_t offset = 0) {
  return std::vector<int16_t>(SamplesOf(seconds), offset);
}

inline int16_t Rounded(double value) {
  return static_cast<int16_t>(std::lrint(std::clamp(value, -32768.0, 32767.0)));
}

// White noise, from the engine's numbers: the library's distributions differ between versions.
inline std::vector<int16_t> Noise(double seconds, double rms, uint64_t seed = 1) {
  std::mt19937_64 random(seed);
  std::vector<int16_t> samples(SamplesOf(seconds));
  for (int16_t& sample : samples) {
    double sum = -6;  // of 12 numbers from 0 to 1, whose variance is 1
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random() >> 11) * 0x1p-53;
    sample = Rounded(sum * rms);
  }
  return samples;
}

inline std::vector<int16_t> Tone(double seconds, double hertz, double rms) {
  std::vector<int16_t> samples(SamplesOf(seconds));
  for (size_t i = 0; i < samples.size(); ++i) {
    const double phase = 2 * std::numbers::pi * hertz * static_cast<double>(i) / kSpeechRate;
    samples[i] = Rounded(std::sin(phase) * rms * std::numbers::sqrt2);
  }
  return samples;
}

// Noise with the rhythm of speech: syllables, four a second, and nothing in between.
inline std::vector<int16_t> Syllables(double seconds, double rms, uint64_t seed = 1) {
  std::vector<int16_t> samples = Noise(seconds, rms, seed);
  for (size_t i = 0; i < samples.size(); ++i) {
    const double phase = std::numbers::pi * static_cast<double>(i) * 4 / kSpeechRate;
    samples[i] = Rounded(samples[i] * std::abs(std::sin(phase)));
  }
  return samples;
}

inline void Append(const std::vector<int16_t>& more, std::vector<int16_t>* samples) {
  samples->insert(samples->end(), more.begin(), more.end());
}

// Adds a sound to another one of at least its length.
inline std::vector<int16_t> Mixed(std::vector<int16_t> samples, const std::vector<int16_t>& other) {
  for (size_t i = 0; i < std::min(samples.size(), other.size()); ++i) {
    samples[i] = Rounded(static_cast<double>(samples[i]) + other[i]);
  }
  return samples;
}

// Gives `all` to `take` in pieces of random sizes from 0 to `most`.
template <typename T, typename Take>
void InPieces(const std::vector<T>& all, size_t most, std::mt19937_64* random, const Take& take) {
  for (size_t at = 0; at < all.size();) {
    const size_t count = std::min<size_t>((*random)() % (most + 1), all.size() - at);
    take(absl::MakeConstSpan(all).subspan(at, count));
    at += count;
  }
}

}  // namespace souvenir
