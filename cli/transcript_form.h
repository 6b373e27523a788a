#pragma once

#include <string>

#include "souvenir/v1/speech.pb.h"

namespace souvenir::cli {

// The forms in which a transcript is printed or written to a file.
enum class TranscriptForm {
  kText,    // a line a segment
  kSrt,     // subtitles
  kWebVtt,  // subtitles
  kJson,    // one document in one line
};

// Returns the end of a file's name, ".txt".
std::string ExtensionOf(TranscriptForm form);

// Returns the document. The text has a line a segment, which is empty if the segment failed.
// Subtitles leave such a segment out. `name` is that of the recording, for JSON:
// {"file": "talk.wav", "transcript": {...}}.
std::string DocumentOf(const souvenir::v1::TranscribeResponse& transcript, TranscriptForm form,
                       const std::string& name);

// Returns {"file": "talk.wav", "error": "..."} in one line.
std::string JsonOfError(const std::string& name, const std::string& error);

}  // namespace souvenir::cli
