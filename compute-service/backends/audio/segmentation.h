#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "compute-service/backends/audio/model_config.h"

namespace souvenir::compute {

// The segments of a recording, in their order. Places are in samples at kSpeechRate.
struct Segments {
  std::string pcm;              // the samples of each, 16 bits, framed as elements of BYTES
  std::vector<int64_t> starts;  // first samples
  std::vector<int64_t> ends;    // one past the last samples
  int64_t duration = 0;         // of the whole recording
};

// Cuts a recording into segments of speech. `format` is that of raw audio (common/audio/
// pcm_format.h); if it is empty, `audio` is a file. `keep_pcm` is false if the samples are not
// asked for.
//
// INVALID_ARGUMENT if the audio cannot be read, or is longer than the settings allow. Messages have
// no content of the audio.
absl::StatusOr<Segments> CutRecording(std::string_view audio, std::string_view format,
                                      bool keep_pcm, const AudioSettings& settings);

}  // namespace souvenir::compute
