#pragma once

#include <span>
#include <string>

#include "common/language/subtitle_cues.h"

namespace souvenir {

enum class SubtitleFormat {
  kSrt,     // SubRip
  kWebVtt,  // https://www.w3.org/TR/webvtt1/
};

// Returns a file of subtitles, in UTF-8 with line feeds. The text of a cue is shown as it is, and
// never taken for markup or for the beginning of a cue: WebVTT has escapes for `&`, `<` and `>`.
// SRT has none, and players obey tags of HTML, ASS and MicroDVD in it. There a zero-width space
// follows `<`, `{` and `\`, and divides `-->`. Hours may have more than two digits. Thread-safe.
//
// REQUIRES: `cues` are those of MakeSubtitleCues().
std::string WriteSubtitles(std::span<const SubtitleCue> cues, SubtitleFormat format);

}  // namespace souvenir
