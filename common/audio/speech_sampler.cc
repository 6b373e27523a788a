#include "common/audio/speech_sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/audio/pcm_format.h"
#include "common/status_macros.h"

namespace souvenir {

absl::StatusOr<std::unique_ptr<SpeechSampler>> SpeechSampler::Create(int rate, int channels) {
  if (channels < 1 || channels > kMostChannels) {
    return absl::InvalidArgumentError(
        fmt::format("the audio has {} channels; 1 to {} are supported", channels, kMostChannels));
  }
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<Resampler> resampler, Resampler::Create(rate));
  return std::unique_ptr<SpeechSampler>(new SpeechSampler(std::move(resampler), channels));
}

absl::Status SpeechSampler::Add(absl::Span<const float> interleaved,
                                std::vector<int16_t>* samples) {
  mono_.clear();
  for (size_t at = 0; at + channels_ <= interleaved.size(); at += channels_, ++frames_) {
    float sum = 0;
    for (size_t channel = 0; channel < channels_; ++channel) {
      const float sample = interleaved[at + channel];
      if (!std::isfinite(sample)) {
        return absl::InvalidArgumentError(
            fmt::format("the audio has a sample that is not a finite number, in frame {}, channel "
                        "{}",
                        frames_, channel));
      }
      sum += std::clamp(sample, -1.0F, 1.0F);
    }
    mono_.push_back(sum / static_cast<float>(channels_));
  }
  SOUVENIR_RETURN_IF_ERROR(resampler_->Add(mono_, &resampled_));
  TakeResampled(samples);
  return absl::OkStatus();
}

absl::Status SpeechSampler::Finish(std::vector<int16_t>* samples) {
  SOUVENIR_RETURN_IF_ERROR(resampler_->Finish(&resampled_));
  TakeResampled(samples);
  return absl::OkStatus();
}

void SpeechSampler::TakeResampled(std::vector<int16_t>* samples) {
  for (const float sample : resampled_) {
    const float scaled = std::clamp(sample * 32768.0F, -32768.0F, 32767.0F);
    samples->push_back(static_cast<int16_t>(std::lrint(scaled)));
  }
  resampled_.clear();
}

}  // namespace souvenir
