#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/audio/speech_rate.h"

struct soxr;

namespace souvenir {

// Converts one channel to kSpeechRate with libsoxr's high quality, on the calling thread. Samples
// come in pieces of any size, and the result does not depend on the pieces. A rate of kSpeechRate
// changes nothing.
//
// Owned by its user; not thread-safe.
class Resampler {
 public:
  // INVALID_ARGUMENT if `rate` is not from kLeastSampleRate to kMostSampleRate.
  static absl::StatusOr<std::unique_ptr<Resampler>> Create(int rate);

  // Appends what the samples so far give. It is a little behind them. REQUIRES: all samples are
  // finite; Finish() was not called. RESOURCE_EXHAUSTED if there is no memory.
  absl::Status Add(absl::Span<const float> samples, std::vector<float>* out);

  // Appends the rest. The number of all samples is then that of the input times
  // kSpeechRate / rate, rounded. REQUIRES: it was not called before.
  absl::Status Finish(std::vector<float>* out);

 private:
  struct Delete {
    void operator()(soxr* converter) const;
  };

  explicit Resampler(soxr* converter) : converter_(converter) {}

  absl::Status Process(const float* samples, size_t count, std::vector<float>* out);

  const std::unique_ptr<soxr, Delete> converter_;  // null if the rate needs no conversion
};

}  // namespace souvenir
