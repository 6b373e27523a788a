#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "common/audio/voice_activity.h"

namespace souvenir {

// Takes for speech what is louder than the noise of the recording. The noise is the quietest frame
// of the last seconds: speech has a quiet place every few hundred milliseconds, and steady noise
// has nothing else. So the recording's own level does not matter. A high-pass filter keeps an
// offset and hum out. Steady loud tones and noise are not speech once they have lasted; short loud
// sounds are.
//
// Owned by a SegmentCutter; not thread-safe. Time and memory for a frame are constant.
class EnergyVoiceActivity final : public VoiceActivity {
 public:
  struct Options {
    int margin_db = 8;   // above the noise, speech begins; 1 to 60
    int release_db = 5;  // above the noise, it goes on; 0 to margin_db
    int least_dbfs =
        -65;  // below this level nothing is speech; -100 to 0. 0 is a full-scale square
    int noise_seconds = 3;  // time in which the noise is looked for; 1 to 60
  };

  // INVALID_ARGUMENT names an option out of its range.
  static absl::StatusOr<std::unique_ptr<EnergyVoiceActivity>> Create(const Options& options);

  size_t frame_samples() const override { return kFrameSamples; }
  bool HasSpeech(absl::Span<const int16_t> frame) override;

 private:
  static constexpr size_t kFrameSamples = 160;  // 10 ms
  static constexpr size_t kSlots = 16;          // of the noise's window

  explicit EnergyVoiceActivity(const Options& options);

  // Returns the mean square of the filtered frame, in units of a sample's lowest bit.
  double Power(absl::Span<const int16_t> frame);

  // Returns the least power in the window that ends with a frame of `power`.
  double Noise(double power);

  const double begin_ratio_;
  const double release_ratio_;
  const double least_power_;
  const size_t slot_frames_;

  bool started_ = false;
  double last_in_ = 0;  // of the high-pass filter
  double last_out_ = 0;
  bool speaking_ = false;
  std::array<double, kSlots> quietest_;  // least power of each slot of the window, a ring
  size_t slot_ = 0;                      // the present one
  size_t in_slot_ = 0;                   // its frames so far
};

}  // namespace souvenir
