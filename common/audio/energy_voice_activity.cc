#include "common/audio/energy_voice_activity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "common/audio/speech_rate.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

constexpr double kFullScale = 32768.0 * 32768.0;

// The feedback of a first-order high-pass filter with its corner at 50 Hz: 1 - 2 pi 50 / 16,000.
constexpr double kFeedback = 0.98;

// The noise of rounding to 16 bits is 1/12. Below it a ratio of powers says nothing.
constexpr double kRounding = 1.0 / 12;

double Ratio(int db) { return std::pow(10.0, db / 10.0); }

absl::Status InRange(std::string_view name, int value, int least, int most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "EnergyVoiceActivity: {} is {}; it must be from {} to {}", name, value, least, most));
}

}  // namespace

absl::StatusOr<std::unique_ptr<EnergyVoiceActivity>> EnergyVoiceActivity::Create(
    const Options& options) {
  SOUVENIR_RETURN_IF_ERROR(InRange("margin_db", options.margin_db, 1, 60));
  SOUVENIR_RETURN_IF_ERROR(InRange("release_db", options.release_db, 0, options.margin_db));
  SOUVENIR_RETURN_IF_ERROR(InRange("least_dbfs", options.least_dbfs, -100, 0));
  SOUVENIR_RETURN_IF_ERROR(InRange("noise_seconds", options.noise_seconds, 1, 60));
  return std::unique_ptr<EnergyVoiceActivity>(new EnergyVoiceActivity(options));
}

EnergyVoiceActivity::EnergyVoiceActivity(const Options& options)
    : begin_ratio_(Ratio(options.margin_db)),
      release_ratio_(Ratio(options.release_db)),
      least_power_(kFullScale * Ratio(options.least_dbfs)),
      slot_frames_(static_cast<size_t>(options.noise_seconds) * kSpeechRate / kFrameSamples /
                   kSlots) {
  quietest_.fill(std::numeric_limits<double>::infinity());
}

double EnergyVoiceActivity::Power(absl::Span<const int16_t> frame) {
  if (!started_) last_in_ = frame[0];  // an offset is there from the first sample
  started_ = true;
  double sum = 0;
  for (const int16_t sample : frame) {
    last_out_ = sample - last_in_ + kFeedback * last_out_;
    last_in_ = sample;
    sum += last_out_ * last_out_;
  }
  return sum / static_cast<double>(frame.size());
}

double EnergyVoiceActivity::Noise(double power) {
  quietest_[slot_] = std::min(quietest_[slot_], power);
  const double least = *std::min_element(quietest_.begin(), quietest_.end());
  if (++in_slot_ == slot_frames_) {
    in_slot_ = 0;
    slot_ = (slot_ + 1) % kSlots;
    quietest_[slot_] = std::numeric_limits<double>::infinity();
  }
  return least;
}

bool EnergyVoiceActivity::HasSpeech(absl::Span<const int16_t> frame) {
  const double power = std::max(Power(frame), kRounding);
  const double above = power / Noise(power);
  speaking_ = power > least_power_ && above > (speaking_ ? release_ratio_ : begin_ratio_);
  return speaking_;
}

}  // namespace souvenir
