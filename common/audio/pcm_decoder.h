#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/audio/pcm_format.h"

namespace souvenir {

// Turns raw audio into samples from -1 to 1. The bytes come in pieces of any size, which may split
// a frame or a sample; the result does not depend on the pieces. Holds less than one frame.
//
// Owned by its user; not thread-safe.
//
//   PcmDecoder decoder(format);
//   decoder.Add(bytes, &samples);
//   SOUVENIR_RETURN_IF_ERROR(decoder.Finish());
class PcmDecoder {
 public:
  // REQUIRES: `format` is within the limits, as ParsePcmFormat() returns it.
  explicit PcmDecoder(const PcmFormat& format) : format_(format) {}

  // Appends the samples of the frames that are complete now, interleaved as in the input. Samples
  // of f32le are as they came: above 1, or not a number.
  void Add(std::string_view bytes, std::vector<float>* samples);

  // Returns OK at the end of a frame. INVALID_ARGUMENT if the bytes end inside a frame, because the
  // format is then probably another one.
  absl::Status Finish() const;

 private:
  const PcmFormat format_;
  std::string begun_;  // the first bytes of a frame
};

}  // namespace souvenir
