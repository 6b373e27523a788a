#include "common/language/subtitles.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace souvenir {
namespace {

constexpr std::string_view kZeroWidthSpace = "\u200b";

// Returns "00:01:02.345" with `point` between seconds and milliseconds.
std::string TimeStamp(absl::Duration time, char point) {
  const int64_t all = absl::ToInt64Milliseconds(time);
  return fmt::format("{:02}:{:02}:{:02}{}{:03}", all / 3'600'000, all / 60'000 % 60,
                     all / 1000 % 60, point, all % 1000);
}

void AppendForWebVtt(std::string_view line, std::string* out) {
  for (const char c : line) {
    switch (c) {
      case '&':
        *out += "&amp;";
        break;
      case '<':
        *out += "&lt;";
        break;
      case '>':
        *out += "&gt;";
        break;
      default:
        *out += c;
    }
  }
}

void AppendForSrt(std::string_view line, std::string* out) {
  for (size_t i = 0; i < line.size(); ++i) {
    *out += line[i];
    if (line[i] == '<' || line[i] == '{' || line[i] == '\\' || line.substr(i).starts_with("-->")) {
      *out += kZeroWidthSpace;
    }
  }
}

}  // namespace

std::string WriteSubtitles(std::span<const SubtitleCue> cues, SubtitleFormat format) {
  const bool srt = format == SubtitleFormat::kSrt;
  const char point = srt ? ',' : '.';
  std::string out = srt ? "" : "WEBVTT\n";
  for (size_t i = 0; i < cues.size(); ++i) {
    if (!out.empty()) out += '\n';
    if (srt) out += fmt::format("{}\n", i + 1);
    out +=
        fmt::format("{} --> {}\n", TimeStamp(cues[i].start, point), TimeStamp(cues[i].end, point));
    for (const std::string& line : cues[i].lines) {
      if (srt) {
        AppendForSrt(line, &out);
      } else {
        AppendForWebVtt(line, &out);
      }
      out += '\n';
    }
  }
  return out;
}

}  // namespace souvenir
