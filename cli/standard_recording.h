#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/console.h"
#include "cli/sample_source.h"
#include "common/audio/pcm_format.h"

namespace souvenir::cli {

// A recording from standard input: samples that come, as from a microphone, or the bytes of a file.
struct StandardRecording {
  std::string bytes;
  std::unique_ptr<SampleSource> samples;  // null if it is a file
};

// Opens standard input. Raw samples, which have a `format`, and WAV are taken as they come. A file
// in another format is read as a whole. Waits for the first bytes. INVALID_ARGUMENT for a wrong
// header of WAV; RESOURCE_EXHAUSTED if a file has more than kMostRecordingBytes; INTERNAL if it
// cannot be read. `console` outlives the result.
absl::StatusOr<StandardRecording> OpenStandardRecording(const std::optional<PcmFormat>& format,
                                                        Console& console);

}  // namespace souvenir::cli
