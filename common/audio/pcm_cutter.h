#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/audio/pcm_decoder.h"
#include "common/audio/pcm_format.h"
#include "common/audio/segment_cutter.h"
#include "common/audio/speech_sampler.h"

namespace souvenir {

// Cuts raw audio into segments of speech while it comes. The bytes come in pieces of any size,
// which may split a frame or a sample, and the segments do not depend on the pieces.
//
// Owned by its user; not thread-safe. Memory is bounded by max_segment_ms and the largest piece.
//
//   SOUVENIR_ASSIGN_OR_RETURN(auto cutter, PcmCutter::Create(format, {}));
//   SOUVENIR_RETURN_IF_ERROR(cutter->Add(bytes, &segments));
//   SOUVENIR_RETURN_IF_ERROR(cutter->Finish(&segments));
class PcmCutter {
 public:
  // INVALID_ARGUMENT names an option out of its range. REQUIRES: `format` is within the limits, as
  // ParsePcmFormat() returns it.
  static absl::StatusOr<std::unique_ptr<PcmCutter>> Create(const PcmFormat& format,
                                                           const SegmentCutter::Options& options);

  // Takes the next bytes, and appends the segments that are complete now. INVALID_ARGUMENT if a
  // sample is not a finite number; nothing must be added after that. REQUIRES: Finish() was not
  // called.
  absl::Status Add(std::string_view bytes, std::vector<SpeechSegment>* segments);

  // Ends the recording, and appends the last segment if there is one. INVALID_ARGUMENT if the bytes
  // end inside a frame; the last segment is appended all the same.
  absl::Status Finish(std::vector<SpeechSegment>* segments);

  // Returns the cutter at the end of the chain, which knows the samples so far and the open
  // segment.
  const SegmentCutter& cutter() const { return *cutter_; }

 private:
  PcmCutter(const PcmFormat& format, std::unique_ptr<SpeechSampler> sampler,
            std::unique_ptr<SegmentCutter> cutter);

  PcmDecoder decoder_;
  const std::unique_ptr<SpeechSampler> sampler_;
  const std::unique_ptr<SegmentCutter> cutter_;
  std::vector<float> frames_;     // kept for its memory
  std::vector<int16_t> samples_;  // the same
};

}  // namespace souvenir
