#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/audio/resampler.h"

namespace souvenir {

// Turns audio of any rate and number of channels into the form in which the services handle speech:
// one channel of 16-bit samples at kSpeechRate. Channels are averaged. Samples beyond -1 and 1 are
// clipped. Audio that has this form already keeps its samples exactly.
//
// Frames come in pieces of any size, and the result does not depend on the pieces.
//
// Owned by its user; not thread-safe.
//
//   SOUVENIR_ASSIGN_OR_RETURN(auto sampler, SpeechSampler::Create(44'100, 2));
//   SOUVENIR_RETURN_IF_ERROR(sampler->Add(frames, &samples));
//   SOUVENIR_RETURN_IF_ERROR(sampler->Finish(&samples));
class SpeechSampler {
 public:
  // INVALID_ARGUMENT if the rate or the number of channels is out of the limits of pcm_format.h.
  static absl::StatusOr<std::unique_ptr<SpeechSampler>> Create(int rate, int channels);

  // Appends what the frames so far give. It is a little behind them. `interleaved` has one sample
  // for each channel of each frame. INVALID_ARGUMENT if a sample is not a finite number; nothing
  // must be added after that. REQUIRES: `interleaved` has whole frames; Finish() was not called.
  absl::Status Add(absl::Span<const float> interleaved, std::vector<int16_t>* samples);

  // Appends the rest.
  absl::Status Finish(std::vector<int16_t>* samples);

 private:
  SpeechSampler(std::unique_ptr<Resampler> resampler, int channels)
      : resampler_(std::move(resampler)), channels_(static_cast<size_t>(channels)) {}

  void TakeResampled(std::vector<int16_t>* samples);

  const std::unique_ptr<Resampler> resampler_;
  const size_t channels_;
  int64_t frames_ = 0;            // so far, for messages
  std::vector<float> mono_;       // kept for its memory
  std::vector<float> resampled_;  // the same
};

}  // namespace souvenir
