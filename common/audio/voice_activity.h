#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"

namespace souvenir {

// Tells frames with speech from others, by their sound. It may remember earlier frames.
//
// Owned by a SegmentCutter; not thread-safe.
class VoiceActivity {
 public:
  virtual ~VoiceActivity() = default;

  // Returns the samples of a frame, the same each time; above 0.
  virtual size_t frame_samples() const = 0;

  // Returns true if the next frame of the recording, at kSpeechRate (speech_rate.h), has speech.
  // REQUIRES: `frame` has frame_samples() samples.
  virtual bool HasSpeech(absl::Span<const int16_t> frame) = 0;
};

}  // namespace souvenir
