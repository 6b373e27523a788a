#pragma once

#include <span>
#include <string>
#include <vector>

#include "absl/time/time.h"

// Cuts a transcript into the cues of subtitles. subtitles.h writes them.

namespace souvenir {

// All times are since the start of the recording.
struct TimedWord {
  absl::Duration start;
  absl::Duration end;
};

// A part of a recording between two silences, and its text.
struct TimedSegment {
  absl::Duration start;
  absl::Duration end;
  std::string text;              // UTF-8, with anything in it; other bytes become U+FFFD
  std::vector<TimedWord> words;  // the times of its words in order; empty if they are unknown
};

// Lines that are shown together for a time.
struct SubtitleCue {
  absl::Duration start;
  absl::Duration end;
  std::vector<std::string> lines;  // UTF-8 without control characters; never empty
};

// The limits of a cue are those that broadcasters and streaming services ask for.
inline constexpr size_t kMostSubtitleLines = 2;
// Limit of a line. A wide character (Han, kana, Hangul) counts as two.
inline constexpr size_t kMostSubtitleColumns = 42;
inline constexpr absl::Duration kLongestSubtitle = absl::Seconds(7);
// A shorter cue stays for so long if the next one begins no earlier.
inline constexpr absl::Duration kShortestSubtitle = absl::Seconds(1);

// Returns the cues of `segments`, which come in the order of the recording. Each segment begins a
// cue. A segment that does not fit into one is cut between words, at the end of a sentence where
// there is one nearby, and a word that does not fit into a line is cut, too. The times of the cuts
// are those of the words if there is one for each, and otherwise in proportion to the text.
//
// Cues never overlap, whatever the times of `segments` are: all times are whole milliseconds, and
// each cue begins no earlier than the one before it ends. A segment without text has no cue. The
// same segments give the same cues everywhere. Thread-safe.
std::vector<SubtitleCue> MakeSubtitleCues(std::span<const TimedSegment> segments);

}  // namespace souvenir
