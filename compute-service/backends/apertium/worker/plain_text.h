#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace souvenir::compute {

// Returns the text in a form that every stage of the pipeline can read. Bytes that are not UTF-8
// become U+FFFD. So do NUL, which ends a text between stages, and U+FFFF, which the engine's
// readers take for the end of their input.
std::string CleanText(std::string_view bytes);

// Converts plain text to the pipeline's stream format, like `apertium-destxt`. Blanks other than a
// single space go into brackets. Characters with a meaning in the format get a backslash. The end
// of a paragraph or of the text gets a full stop that is marked with empty brackets. REQUIRES:
// CleanText(text) == text.
std::string Deformat(std::string_view text);

// Reverses Deformat(), like `apertium-retxt`.
std::string Reformat(std::string_view stream);

// A part of a text.
struct TextPart {
  std::string_view text;
  bool translate;  // false if the part must not go through the pipeline
};

// Longest run of characters without white space that goes through the pipeline. A longer run is not
// a word of any language but a key, a URL or an encoded file. The engine's time for a word grows
// with the square of its length (0.2 s for 20,000 characters, 19 s for 100,000).
inline constexpr size_t kLongestWord = 1000;

// Splits a text so that each run longer than kLongestWord is a part of its own that is not
// translated. The parts together are the text; they are views into it. REQUIRES: CleanText(text) ==
// text.
std::vector<TextPart> SplitLongWords(std::string_view text);

}  // namespace souvenir::compute
