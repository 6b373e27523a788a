#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace souvenir::compute {

// Returns a file with one channel of 16-bit samples, little-endian. `container` is "wav", "flac" or
// "ogg" (Vorbis). The same arguments give the same bytes, in every process. Without samples, FLAC
// and Ogg get one of silence.
//
// INVALID_ARGUMENT if `pcm` ends inside a sample, `rate` is out of the limits of pcm_format.h, the
// container is unknown, or its format does not have the rate.
absl::StatusOr<std::string> WriteAudioFile(std::string_view pcm, int rate,
                                           std::string_view container);

}  // namespace souvenir::compute
