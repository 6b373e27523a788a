#include "compute-service/backends/espeak-ng/prosody.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <iterator>

namespace souvenir::compute {
namespace {

constexpr float kNormalWords = 175;
constexpr float kLeastWords = 80;
constexpr float kMostWords = 450;

constexpr float kLowest = -6.5F;
constexpr float kHighest = 8;

// The part of the median that does not move with the base, relative to the base.
constexpr double kMelody = 0.55;

// pitch_adjust_tab of eSpeak NG 1.51; 128 is the voice's own base.
constexpr uint8_t kFactors[] = {
    64,  65,  66,  67,  68,  69,  70,  71,  72,  73,  74,  75,  76,  77,  78,  79,  80,
    81,  82,  83,  84,  86,  87,  88,  89,  91,  92,  93,  94,  96,  97,  98,  100, 101,
    103, 104, 105, 107, 108, 110, 111, 113, 115, 116, 118, 119, 121, 123, 124, 126, 128,
    130, 132, 133, 135, 137, 139, 141, 143, 145, 147, 149, 151, 153, 155, 158, 160, 162,
    164, 167, 169, 171, 174, 176, 179, 181, 184, 186, 189, 191, 194, 197, 199, 202, 205,
    208, 211, 214, 217, 220, 223, 226, 229, 232, 236, 239, 242, 246, 249, 252};
static_assert(std::size(kFactors) == 100 && kFactors[50] == 128);

double SemitonesAt(size_t pitch) {
  return 12 * std::log2((kFactors[pitch] / 128.0 + kMelody) / (1 + kMelody));
}

}  // namespace

absl::StatusOr<int> WordsPerMinute(float rate) {
  const float words = std::round(rate * kNormalWords);
  if (words >= kLeastWords && words <= kMostWords) return static_cast<int>(words);
  return absl::InvalidArgumentError(fmt::format(
      "RATE is {:g}; it must be from {:.2f} to {:.2f}, because eSpeak NG speaks {} to "
      "{} words per minute, and {} at RATE 1",
      rate, std::ceil(kLeastWords / kNormalWords * 100) / 100,
      std::floor(kMostWords / kNormalWords * 100) / 100, kLeastWords, kMostWords, kNormalWords));
}

absl::StatusOr<int> EnginePitch(float semitones) {
  if (!(semitones >= kLowest && semitones <= kHighest)) {
    return absl::InvalidArgumentError(fmt::format(
        "PITCH is {:g} semitones; it must be from {} to {}", semitones, kLowest, kHighest));
  }
  size_t nearest = 0;
  for (size_t pitch = 1; pitch < std::size(kFactors); ++pitch) {
    if (std::abs(SemitonesAt(pitch) - semitones) < std::abs(SemitonesAt(nearest) - semitones)) {
      nearest = pitch;
    }
  }
  return static_cast<int>(nearest);
}

}  // namespace souvenir::compute
