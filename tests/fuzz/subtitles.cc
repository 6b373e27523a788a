#include "common/language/subtitles.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/language/subtitle_cues.h"
#include "tests/fuzz/require.h"

namespace souvenir {
namespace {

// Takes numbers and texts from the input. Both are empty at its end.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  bool done() const { return left_.empty(); }

  uint8_t Byte() {
    if (left_.empty()) return 0;
    const char byte = left_.front();
    left_.remove_prefix(1);
    return static_cast<uint8_t>(byte);
  }

  // Returns a time around zero, or one that is none.
  absl::Duration Time() {
    const uint8_t kind = Byte();
    if (kind == 0xFF) return absl::InfiniteDuration();
    if (kind == 0xFE) return -absl::InfiniteDuration();
    if (kind == 0xFD) return absl::Hours(99'999) + absl::Milliseconds(Byte());
    const auto sixteen = static_cast<int16_t>(Byte() << 8 | kind);
    return absl::Milliseconds(sixteen);
  }

  std::string Text(size_t size) {
    const std::string text(left_.substr(0, size));
    left_.remove_prefix(text.size());
    return text;
  }

 private:
  std::string_view left_;
};

std::vector<TimedSegment> ReadSegments(Reader* reader) {
  std::vector<TimedSegment> segments;
  while (!reader->done()) {
    TimedSegment segment{.start = reader->Time(), .end = reader->Time()};
    segment.text = reader->Text(reader->Byte());
    for (int words = reader->Byte() % 16; words > 0; --words) {
      segment.words.push_back({.start = reader->Time(), .end = reader->Time()});
    }
    segments.push_back(std::move(segment));
  }
  return segments;
}

std::vector<std::string_view> LinesOf(std::string_view file) {
  std::vector<std::string_view> lines;
  while (!file.empty()) {
    const size_t end = file.find('\n');
    Require(end != std::string_view::npos, "a file ends with a line feed");
    lines.push_back(file.substr(0, end));
    file.remove_prefix(end + 1);
  }
  return lines;
}

// Reads "00:01:02.345" and removes it from `text`.
std::optional<int64_t> TakeTime(std::string_view* text, char point) {
  int64_t parts[4] = {};
  for (int part = 0; part < 4; ++part) {
    size_t digits = 0;
    for (; !text->empty() && text->front() >= '0' && text->front() <= '9'; ++digits) {
      parts[part] = 10 * parts[part] + (text->front() - '0');
      text->remove_prefix(1);
    }
    const bool right = part == 0 ? digits >= 2 : digits == (part == 3 ? 3 : 2);
    if (!right || (part > 0 && part < 3 && parts[part] > 59)) return std::nullopt;
    if (part == 3) break;
    if (text->empty() || text->front() != (part == 2 ? point : ':')) return std::nullopt;
    text->remove_prefix(1);
  }
  return ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000 + parts[3];
}

// Reads a file as a player does, and checks what every player relies on. Returns the number of
// cues.
size_t CheckFile(std::string_view file, SubtitleFormat format) {
  const bool srt = format == SubtitleFormat::kSrt;
  Require(std::none_of(file.begin(), file.end(),
                       [](char c) { return (c >= 0 && c < ' ' && c != '\n') || c == 0x7F; }),
          "a file has no control characters but line feeds");
  const std::vector<std::string_view> lines = LinesOf(file);
  size_t next = 0;
  if (!srt) {
    Require(!lines.empty() && lines[next++] == "WEBVTT", "WebVTT has its header");
    if (next < lines.size()) Require(lines[next++].empty(), "the header ends with a blank line");
  }
  size_t cues = 0;
  int64_t earliest = 0;
  while (next < lines.size()) {
    ++cues;
    if (srt) Require(lines[next++] == std::to_string(cues), "cues are counted");
    Require(next + 1 < lines.size(), "a cue has times and text");
    std::string_view times = lines[next++];
    const auto start = TakeTime(&times, srt ? ',' : '.');
    Require(start && times.starts_with(" --> "), "a cue has a start");
    times.remove_prefix(5);
    const auto end = TakeTime(&times, srt ? ',' : '.');
    Require(end && times.empty(), "a cue has an end");
    Require(earliest <= *start && *start < *end && *end - *start <= 7000,
            "times follow each other, and no cue is too long");
    earliest = *end;
    size_t texts = 0;
    for (; next < lines.size() && !lines[next].empty(); ++next, ++texts) {
      Require(lines[next].find("-->") == std::string_view::npos, "no text looks like a time");
      Require(srt || lines[next].find('<') == std::string_view::npos, "no text is markup");
    }
    Require(texts >= 1 && texts <= kMostSubtitleLines, "a cue has one or two lines");
    if (next < lines.size()) ++next;  // the blank line
  }
  return cues;
}

void Try(std::string_view bytes) {
  Reader reader(bytes);
  const std::vector<TimedSegment> segments = ReadSegments(&reader);
  const std::vector<SubtitleCue> cues = MakeSubtitleCues(segments);
  for (const SubtitleFormat format : {SubtitleFormat::kSrt, SubtitleFormat::kWebVtt}) {
    const std::string file = WriteSubtitles(cues, format);
    Require(CheckFile(file, format) == cues.size(), "a player finds every cue");
    Require(WriteSubtitles(MakeSubtitleCues(segments), format) == file,
            "the same segments give the same file");
  }
}

}  // namespace
}  // namespace souvenir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::Try({reinterpret_cast<const char*>(data), size});
  return 0;
}
