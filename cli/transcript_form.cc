#include "cli/transcript_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "cli/json.h"
#include "cli/printable.h"
#include "cli/time_conversion.h"
#include "common/language/subtitles.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::TranscribedWord;
using souvenir::v1::TranscribeResponse;
using souvenir::v1::TranscriptSegment;

std::string Text(const TranscribeResponse& transcript) {
  std::string out;
  for (const TranscriptSegment& segment : transcript.segments()) {
    std::string line = segment.text();
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    out += line + '\n';
  }
  return out;
}

std::string Subtitles(const TranscribeResponse& transcript, SubtitleFormat format) {
  std::vector<TimedSegment> segments;
  for (const TranscriptSegment& each : transcript.segments()) {
    if (each.status().code() != 0) continue;
    TimedSegment segment{
        .start = FromProto(each.start()), .end = FromProto(each.end()), .text = each.text()};
    for (const TranscribedWord& word : each.words()) {
      segment.words.push_back({.start = FromProto(word.start()), .end = FromProto(word.end())});
    }
    segments.push_back(std::move(segment));
  }
  return WriteSubtitles(MakeSubtitleCues(segments), format);
}

}  // namespace

std::string ExtensionOf(TranscriptForm form) {
  switch (form) {
    case TranscriptForm::kText:
      return ".txt";
    case TranscriptForm::kSrt:
      return ".srt";
    case TranscriptForm::kWebVtt:
      return ".vtt";
    case TranscriptForm::kJson:
      return ".json";
  }
  return "";
}

std::string DocumentOf(const TranscribeResponse& transcript, TranscriptForm form,
                       const std::string& name) {
  switch (form) {
    case TranscriptForm::kText:
      return Text(transcript);
    case TranscriptForm::kSrt:
      return Subtitles(transcript, SubtitleFormat::kSrt);
    case TranscriptForm::kWebVtt:
      return Subtitles(transcript, SubtitleFormat::kWebVtt);
    case TranscriptForm::kJson:
      return fmt::format("{{\"file\":{},\"transcript\":{}}}\n", JsonString(name),
                         ToJson(transcript));
  }
  return "";
}

std::string JsonOfError(const std::string& name, const std::string& error) {
  return fmt::format("{{\"file\":{},\"error\":{}}}\n", JsonString(name), JsonString(error));
}

}  // namespace souvenir::cli
