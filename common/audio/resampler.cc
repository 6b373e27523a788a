#include "common/audio/resampler.h"

#include <fmt/format.h>
#include <soxr.h>

#include <algorithm>
#include <array>

#include "common/audio/pcm_format.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

// Samples that the library gets at once, so that it does not hold a whole recording.
constexpr size_t kPiece = 16'384;

}  // namespace

void Resampler::Delete::operator()(soxr* converter) const { soxr_delete(converter); }

absl::StatusOr<std::unique_ptr<Resampler>> Resampler::Create(int rate) {
  if (rate < kLeastSampleRate || rate > kMostSampleRate) {
    return absl::InvalidArgumentError(
        fmt::format("the audio has {} samples a second; {} to {} are supported", rate,
                    kLeastSampleRate, kMostSampleRate));
  }
  if (rate == kSpeechRate) return std::unique_ptr<Resampler>(new Resampler(nullptr));
  const soxr_io_spec_t samples = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  const soxr_runtime_spec_t one_thread = soxr_runtime_spec(1);
  soxr_error_t error = nullptr;
  soxr_t const converter =
      soxr_create(rate, kSpeechRate, /*num_channels=*/1, &error, &samples, &quality, &one_thread);
  if (error != nullptr || converter == nullptr) {
    return absl::ResourceExhaustedError(
        fmt::format("libsoxr: {}", error != nullptr ? error : "no converter"));
  }
  return std::unique_ptr<Resampler>(new Resampler(converter));
}

absl::Status Resampler::Add(absl::Span<const float> samples, std::vector<float>* out) {
  if (converter_ == nullptr) {
    out->insert(out->end(), samples.begin(), samples.end());
    return absl::OkStatus();
  }
  while (!samples.empty()) {
    const size_t count = std::min(samples.size(), kPiece);
    SOUVENIR_RETURN_IF_ERROR(Process(samples.data(), count, out));
    samples.remove_prefix(count);
  }
  return absl::OkStatus();
}

absl::Status Resampler::Finish(std::vector<float>* out) {
  return converter_ == nullptr ? absl::OkStatus() : Process(nullptr, 0, out);
}

// Null for `samples` tells the library that no more will come.
absl::Status Resampler::Process(const float* samples, size_t count, std::vector<float>* out) {
  std::array<float, kPiece> converted;
  while (true) {
    size_t taken = 0;
    size_t given = 0;
    if (const soxr_error_t error = soxr_process(converter_.get(), samples, count, &taken,
                                                converted.data(), converted.size(), &given)) {
      return absl::ResourceExhaustedError(fmt::format("libsoxr: {}", error));
    }
    out->insert(out->end(), converted.begin(), converted.begin() + static_cast<ptrdiff_t>(given));
    if (samples != nullptr) {
      samples += taken;
      count -= taken;
    }
    if (given < converted.size() && count == 0) return absl::OkStatus();
  }
}

}  // namespace souvenir
