#include "compute-service/backends/apertium/worker/plain_text.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <cstdint>

namespace souvenir::compute {
namespace {

constexpr UChar32 kReplacement = 0xFFFD;

void AppendCharacter(UChar32 character, std::string* out) {
  uint8_t bytes[U8_MAX_LENGTH];
  int32_t size = 0;
  U8_APPEND_UNSAFE(bytes, size, character);
  out->append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
}

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '~'; }

bool IsSpecial(char c) {
  return std::string_view("[]{}^$/\\@<>").find(c) != std::string_view::npos;
}

// Returns the length in bytes of the paragraph break (two ends of line) that `text` begins with, or
// 0 if there is none.
size_t ParagraphBreak(std::string_view text) {
  if (text.starts_with("\n\n")) return 2;
  if (text.starts_with("\r\n\r\n")) return 4;
  return 0;
}

// Returns the character at `*position`, or U+FFFD if the bytes are not UTF-8, and moves `*position`
// past it.
UChar32 NextCharacter(std::string_view text, size_t* position) {
  UChar32 character;
  U8_NEXT_OR_FFFD(reinterpret_cast<const uint8_t*>(text.data()), *position, text.size(), character);
  return character;
}

}  // namespace

std::string CleanText(std::string_view bytes) {
  std::string clean;
  clean.reserve(bytes.size());
  for (size_t position = 0; position < bytes.size();) {
    const UChar32 character = NextCharacter(bytes, &position);
    const bool readable = character != 0 && character != 0xFFFF;
    AppendCharacter(readable ? character : kReplacement, &clean);
  }
  return clean;
}

std::string Deformat(std::string_view text) {
  constexpr std::string_view kEndMark = ".[]";
  std::string stream;
  stream.reserve(text.size() + text.size() / 8 + 16);
  for (size_t position = 0; true;) {
    const size_t begin = position;
    bool paragraph = false;
    while (position < text.size() && IsBlank(text[position])) {
      const size_t line_ends = ParagraphBreak(text.substr(position));
      paragraph = paragraph || line_ends > 0;
      position += line_ends > 0 ? line_ends : 1;
    }
    const std::string_view blank = text.substr(begin, position - begin);
    if (paragraph || position == text.size()) stream.append(kEndMark);
    if (blank.size() == 1 && blank[0] == ' ') {
      stream.push_back(' ');
    } else if (!blank.empty()) {
      stream.append("[").append(blank).append("]");
    }
    if (position == text.size()) return stream;
    for (; position < text.size() && !IsBlank(text[position]); ++position) {
      if (IsSpecial(text[position])) stream.push_back('\\');
      stream.push_back(text[position]);
    }
  }
}

std::string Reformat(std::string_view stream) {
  std::string text;
  text.reserve(stream.size());
  for (size_t position = 0; position < stream.size(); ++position) {
    const char c = stream[position];
    if (c == '\\' && position + 1 < stream.size() && IsSpecial(stream[position + 1])) {
      text.push_back(stream[++position]);
    } else if (stream.substr(position).starts_with(".[]")) {
      position += 2;
    } else if (c != '[' && c != ']') {
      text.push_back(c);
    }
  }
  return text;
}

std::vector<TextPart> SplitLongWords(std::string_view text) {
  std::vector<TextPart> parts;
  size_t pending = 0;  // begin of the text that is not in a part yet
  size_t word = 0;     // begin of the current run of characters without white space
  size_t length = 0;   // length of that run in characters
  const auto end_word = [&](size_t end) {
    if (length > kLongestWord) {
      if (word > pending) parts.push_back({text.substr(pending, word - pending), true});
      parts.push_back({text.substr(word, end - word), false});
      pending = end;
    }
    length = 0;
  };
  for (size_t position = 0; position < text.size();) {
    const size_t begin = position;
    const UChar32 character = NextCharacter(text, &position);
    if (u_isUWhiteSpace(character) || character == '~') {
      end_word(begin);
    } else if (++length == 1) {
      word = begin;
    }
  }
  end_word(text.size());
  if (pending < text.size()) parts.push_back({text.substr(pending), true});
  return parts;
}

}  // namespace souvenir::compute
