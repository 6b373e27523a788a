#include "cli/transcript_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cli/cache_kind.h"
#include "cli/printable.h"
#include "cli/provenance_view.h"
#include "cli/time_conversion.h"

namespace souvenir::cli {
namespace {

using souvenir::v1::TranscribeResponse;
using souvenir::v1::TranscriptSegment;

// A line that a terminal breaks could not be removed.
constexpr size_t kMostInterimBytes = 60;

bool Failed(const TranscriptSegment& segment) { return segment.status().code() != 0; }

std::string KindOf(const TranscriptSegment& segment) {
  if (Failed(segment)) return "error";
  return segment.has_provenance() ? CacheKindName(segment.provenance().kind()) : "-";
}

std::string Details(const TranscriptSegment& segment) {
  std::string text = ProvenanceDetails(segment.provenance());
  if (!segment.language().empty()) text += ", language " + Printable(segment.language());
  if (segment.has_confidence()) {
    text += fmt::format(", confidence {:.0f}%", 100 * segment.confidence());
  }
  return text;
}

}  // namespace

std::string PlaceInRecording(absl::Duration time) {
  const int64_t tenths = time / absl::Milliseconds(100);
  const int64_t seconds = tenths / 10;
  const int64_t minutes = seconds / 60;
  if (minutes < 60) return fmt::format("{}:{:02}.{}", minutes, seconds % 60, tenths % 10);
  return fmt::format("{}:{:02}:{:02}.{}", minutes / 60, minutes % 60, seconds % 60, tenths % 10);
}

std::string ShowInterim(const TranscriptSegment& segment) {
  std::string_view text = segment.text();
  std::string shown = PadLeft(PlaceInRecording(FromProto(segment.start())), kLongPlaceWidth) + "  ";
  if (text.size() > kMostInterimBytes) {
    text.remove_prefix(text.size() - kMostInterimBytes);
    // A character of UTF-8 is not cut.
    while (!text.empty() && (static_cast<uint8_t>(text.front()) & 0xc0) == 0x80) {
      text.remove_prefix(1);
    }
    shown += "... ";
  }
  return shown + Printable(text);
}

std::string ShowTranscript(const TranscribeResponse& transcript, bool verbose, size_t place_width) {
  std::vector<std::string> places;
  size_t width = place_width;
  for (const TranscriptSegment& segment : transcript.segments()) {
    places.push_back(PlaceInRecording(FromProto(segment.start())));
    width = std::max(width, DisplayWidth(places.back()));
  }
  std::string out;
  for (int i = 0; i < transcript.segments_size(); ++i) {
    const TranscriptSegment& segment = transcript.segments(i);
    const std::string prefix =
        fmt::format("{}  {}  ", PadLeft(places[static_cast<size_t>(i)], width),
                    PadRight(KindOf(segment), kKindWidth));
    const size_t indent = DisplayWidth(prefix);
    std::string line = prefix + (Failed(segment) ? StatusText(segment.status())
                                                 : PrintableLines(segment.text(), indent));
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
    if (verbose && segment.has_provenance()) {
      out += std::string(indent, ' ') + PrintableLines(Details(segment), indent) + '\n';
    }
  }
  if (verbose && transcript.has_segmentation()) {
    out += fmt::format("Segments: {}, {}\n", CacheKindName(transcript.segmentation().kind()),
                       PrintableLines(ProvenanceDetails(transcript.segmentation()), 10));
  }
  return out;
}

std::string ShowFailedSegments(const TranscribeResponse& transcript) {
  std::string out;
  for (const TranscriptSegment& segment : transcript.segments()) {
    if (!Failed(segment)) continue;
    out += fmt::format("{}: {}\n", PlaceInRecording(FromProto(segment.start())),
                       StatusText(segment.status()));
  }
  return out;
}

std::string TranscriptSummary(const TranscribeResponse& transcript, absl::Duration elapsed) {
  KindCounts counts;
  for (const TranscriptSegment& segment : transcript.segments()) {
    if (Failed(segment)) {
      counts.AddFailed();
    } else if (segment.has_provenance()) {
      counts.Add(segment.provenance().kind());
    }
  }
  const int segments = transcript.segments_size();
  return fmt::format("{} {} of {} in {}{}", segments, segments == 1 ? "segment" : "segments",
                     HumanDuration(FromProto(transcript.duration())), HumanDuration(elapsed),
                     counts.Text());
}

Outcome TranscriptResult(const TranscribeResponse& transcript) {
  const auto failed =
      std::count_if(transcript.segments().begin(), transcript.segments().end(), Failed);
  if (failed == 0) return {};
  return {ExitCode::kFailed,
          fmt::format("{} of {} segments failed", failed, transcript.segments_size())};
}

}  // namespace souvenir::cli
