#pragma once

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "cli/exit_code.h"
#include "souvenir/v1/speech.pb.h"

namespace souvenir::cli {

// Returns "0:03.2", or with hours "1:00:03.2": a time since the start of a recording.
std::string PlaceInRecording(absl::Duration time);

// Returns a line for each segment, "0:03.2  memory     Good morning", for a person. An error takes
// the place of the text. `verbose` adds lines that tell where each answer came from.
std::string ShowTranscript(const souvenir::v1::TranscribeResponse& transcript, bool verbose);

// Returns "0:03.2: NOT_FOUND: no model" in a line for each segment that failed.
std::string ShowFailedSegments(const souvenir::v1::TranscribeResponse& transcript);

// Returns "5 segments of 12.30 s in 420 ms: 4 memory, 1 miss" without a line feed.
std::string TranscriptSummary(const souvenir::v1::TranscribeResponse& transcript,
                              absl::Duration elapsed);

// kFailed, with their number, if segments have an error.
Outcome TranscriptResult(const souvenir::v1::TranscribeResponse& transcript);

}  // namespace souvenir::cli
