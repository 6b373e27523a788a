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
// the place of the text. `verbose` adds lines that tell where each answer came from. The column of
// the places has at least `place_width`, so that a transcript can be shown part by part.
std::string ShowTranscript(const souvenir::v1::TranscribeResponse& transcript, bool verbose,
                           size_t place_width = 0);

// The width of a place in a recording of hours.
inline constexpr size_t kLongPlaceWidth = 9;

// Returns the end of what is understood so far, in one line that is short enough for a terminal.
std::string ShowInterim(const souvenir::v1::TranscriptSegment& segment);

// Returns "0:03.2: NOT_FOUND: no model" in a line for each segment that failed.
std::string ShowFailedSegments(const souvenir::v1::TranscribeResponse& transcript);

// Returns "5 segments of 12.30 s in 420 ms: 4 memory, 1 miss" without a line feed.
std::string TranscriptSummary(const souvenir::v1::TranscribeResponse& transcript,
                              absl::Duration elapsed);

// kFailed, with their number, if segments have an error.
Outcome TranscriptResult(const souvenir::v1::TranscribeResponse& transcript);

}  // namespace souvenir::cli
