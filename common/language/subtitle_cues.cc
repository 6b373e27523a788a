#include "common/language/subtitle_cues.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace souvenir {
namespace {

// A recording of more than 11 years is none. Sums of such times fit into 64 bits.
constexpr absl::Duration kLatest = absl::Hours(100'000);

constexpr size_t kMostCueColumns = kMostSubtitleLines * kMostSubtitleColumns;
// A cue ends with a sentence if it has at least half of what fits into it.
constexpr size_t kLeastSentenceColumns = kMostCueColumns / 2;
// A rest of a segment with fewer columns gets some words of the cue before it.
constexpr size_t kLeastRestColumns = kMostSubtitleColumns / 2;

constexpr UChar32 kZeroWidthJoiner = 0x200D;

// A word, or a piece of one that does not fit into a line.
struct Piece {
  std::string text;
  size_t columns = 0;
  bool continues = false;  // the word of the piece before it
  int64_t start = 0;       // ms
  int64_t end = 0;
};

using Pieces = std::span<Piece>;

int64_t Milliseconds(absl::Duration time) {
  return absl::ToInt64Milliseconds(std::clamp(time, absl::ZeroDuration(), kLatest));
}

// Returns true for blanks, line ends and control characters. None of them is part of a word.
bool IsBetweenWords(UChar32 c) { return u_isUWhiteSpace(c) || u_charType(c) == U_CONTROL_CHAR; }

size_t ColumnsOf(UChar32 c) {
  const int width = u_getIntPropertyValue(c, UCHAR_EAST_ASIAN_WIDTH);
  return width == U_EA_WIDE || width == U_EA_FULLWIDTH ? 2 : 1;
}

// Collects the words of a text, and cuts those that are longer than a line. A cut separates no mark
// from its letter unless the marks of one letter fill a line.
class Words {
 public:
  void Add(UChar32 c) {
    const bool joins = (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0 || c == kZeroWidthJoiner || joined_;
    joined_ = c == kZeroWidthJoiner;
    while (piece_.columns + ColumnsOf(c) > kMostSubtitleColumns) {
      Piece rest{.continues = true};
      if (joins && letter_bytes_ > 0) {
        rest.text = piece_.text.substr(letter_bytes_);
        rest.columns = piece_.columns - letter_columns_;
        piece_.text.resize(letter_bytes_);
        piece_.columns = letter_columns_;
      }
      pieces_.push_back(std::exchange(piece_, std::move(rest)));
      letter_bytes_ = 0;
      letter_columns_ = 0;
    }
    if (!joins) {
      letter_bytes_ = piece_.text.size();
      letter_columns_ = piece_.columns;
    }
    uint8_t bytes[U8_MAX_LENGTH];
    size_t size = 0;
    U8_APPEND_UNSAFE(bytes, size, c);
    piece_.text.append(reinterpret_cast<const char*>(bytes), size);
    piece_.columns += ColumnsOf(c);
  }

  void EndWord() {
    if (piece_.columns > 0) pieces_.push_back(std::move(piece_));
    piece_ = {};
    letter_bytes_ = 0;
    letter_columns_ = 0;
    joined_ = false;
  }

  std::vector<Piece> Take() {
    EndWord();
    return std::move(pieces_);
  }

 private:
  std::vector<Piece> pieces_;
  Piece piece_;
  // The place where the last letter of `piece_` begins, with its marks.
  size_t letter_bytes_ = 0;
  size_t letter_columns_ = 0;
  bool joined_ = false;  // the last character joins the next one to its letter
};

std::vector<Piece> PiecesOf(std::string_view text) {
  constexpr UChar32 kReplacement = 0xFFFD;
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  Words words;
  for (size_t at = 0; at < text.size();) {
    UChar32 c = 0;
    U8_NEXT(bytes, at, text.size(), c);
    if (c < 0) c = kReplacement;
    if (IsBetweenWords(c)) {
      words.EndWord();
    } else {
      words.Add(c);
    }
  }
  return words.Take();
}

// Gives each piece a share of the time that is in proportion to its columns.
void Spread(Pieces pieces, int64_t start, int64_t end) {
  size_t all = 0;
  for (const Piece& piece : pieces) all += piece.columns;
  size_t before = 0;
  const auto time_after = [&](size_t columns) {
    const double share = static_cast<double>(columns) / static_cast<double>(all);
    return start + static_cast<int64_t>(static_cast<double>(end - start) * share);
  };
  for (Piece& piece : pieces) {
    piece.start = time_after(before);
    before += piece.columns;
    piece.end = time_after(before);
  }
}

void SetTimes(const TimedSegment& segment, Pieces pieces) {
  const int64_t start = Milliseconds(segment.start);
  const int64_t end = std::max(start, Milliseconds(segment.end));
  const auto words = static_cast<size_t>(std::count_if(
      pieces.begin(), pieces.end(), [](const Piece& piece) { return !piece.continues; }));
  if (words != segment.words.size()) return Spread(pieces, start, end);
  int64_t earliest = start;
  size_t begin = 0;
  for (const TimedWord& word : segment.words) {
    size_t next = begin + 1;
    while (next < pieces.size() && pieces[next].continues) ++next;
    const int64_t word_start = std::clamp(Milliseconds(word.start), earliest, end);
    const int64_t word_end = std::clamp(Milliseconds(word.end), word_start, end);
    Spread(pieces.subspan(begin, next - begin), word_start, word_end);
    earliest = word_start;
    begin = next;
  }
}

size_t ColumnsOf(Pieces pieces) {
  size_t columns = 0;
  for (const Piece& piece : pieces) {
    if (columns > 0 && !piece.continues) ++columns;  // the blank
    columns += piece.columns;
  }
  return columns;
}

bool EndsSentence(std::string_view word) {
  for (const std::string_view end :
       {".", "?", "!", "\u2026", "\u3002", "\uff1f", "\uff01", "\u061f", "\u0964"}) {
    if (word.ends_with(end)) return true;
  }
  return false;
}

// Returns how many pieces fit into the lines of a cue; at least one.
size_t CountThatFit(Pieces pieces) {
  size_t line = 1;
  size_t columns = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const Piece& piece = pieces[i];
    if (i > 0 && piece.end - pieces[0].start > absl::ToInt64Milliseconds(kLongestSubtitle)) {
      return i;
    }
    const size_t blank = columns > 0 && !piece.continues ? 1 : 0;
    columns += blank + piece.columns;
    if (columns <= kMostSubtitleColumns) continue;
    if (++line > kMostSubtitleLines) return i;
    columns = piece.columns;
  }
  return pieces.size();
}

// Returns how many pieces the next cue takes; at least one.
size_t CountForCue(Pieces pieces) {
  const size_t fit = CountThatFit(pieces);
  if (fit == pieces.size()) return fit;
  for (size_t count = fit; count > 0; --count) {
    if (ColumnsOf(pieces.first(count)) < kLeastSentenceColumns) break;
    if (EndsSentence(pieces[count - 1].text)) return count;
  }
  // Each piece has a column, so that these tell enough.
  const size_t some = std::min(pieces.size() - fit, kLeastRestColumns);
  if (ColumnsOf(pieces.subspan(fit, some)) >= kLeastRestColumns) return fit;
  const size_t all = ColumnsOf(pieces);
  size_t count = fit;
  while (count > 1 && 2 * ColumnsOf(pieces.first(count - 1)) >= all) --count;
  return count;
}

std::string Joined(Pieces pieces) {
  std::string line;
  for (const Piece& piece : pieces) {
    if (!line.empty() && !piece.continues) line += ' ';
    line += piece.text;
  }
  return line;
}

// Returns one line, or two of about the same length. REQUIRES: the pieces fit into a cue.
std::vector<std::string> LinesOf(Pieces pieces) {
  if (ColumnsOf(pieces) <= kMostSubtitleColumns) return {Joined(pieces)};
  size_t best = 0;
  size_t least = SIZE_MAX;
  for (size_t count = 1; count < pieces.size(); ++count) {
    const size_t first = ColumnsOf(pieces.first(count));
    const size_t second = ColumnsOf(pieces.subspan(count));
    const size_t longer = std::max(first, second);
    if (longer > kMostSubtitleColumns || longer >= least) continue;
    best = count;
    least = longer;
  }
  return {Joined(pieces.first(best)), Joined(pieces.subspan(best))};
}

// Makes the times of cues follow each other.
void SettleTimes(std::span<SubtitleCue> cues) {
  absl::Duration earliest = absl::ZeroDuration();
  for (SubtitleCue& cue : cues) {
    cue.start = std::max(cue.start, earliest);
    cue.end = std::clamp(cue.end, cue.start + absl::Milliseconds(1), cue.start + kLongestSubtitle);
    earliest = cue.end;
  }
  for (size_t i = 0; i < cues.size(); ++i) {
    const absl::Duration next = i + 1 < cues.size() ? cues[i + 1].start : absl::InfiniteDuration();
    cues[i].end = std::max(cues[i].end, std::min(next, cues[i].start + kShortestSubtitle));
  }
}

}  // namespace

std::vector<SubtitleCue> MakeSubtitleCues(std::span<const TimedSegment> segments) {
  std::vector<SubtitleCue> cues;
  for (const TimedSegment& segment : segments) {
    std::vector<Piece> all = PiecesOf(segment.text);
    if (all.empty()) continue;
    SetTimes(segment, all);
    for (Pieces left(all); !left.empty();) {
      const Pieces pieces = left.first(CountForCue(left));
      cues.push_back({.start = absl::Milliseconds(pieces.front().start),
                      .end = absl::Milliseconds(pieces.back().end),
                      .lines = LinesOf(pieces)});
      left = left.subspan(pieces.size());
    }
  }
  SettleTimes(cues);
  return cues;
}

}  // namespace souvenir
