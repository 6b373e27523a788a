#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace souvenir::compute {

// Text that every stage of the pipeline can read: what is not UTF-8 becomes U+FFFD, and so do NUL,
// which ends a text between stages, and U+FFFF, which the engine's readers take for the end of
// their input.
std::string CleanText(std::string_view bytes);

// Plain text in the form that passes through the pipeline: blanks other than a single space in
// brackets, characters that mean something there behind a backslash, an added full stop, marked
// with empty brackets, where a paragraph or the text ends. The same as `apertium-destxt`. REQUIRES:
// CleanText(text) == text.
std::string Deformat(std::string_view text);

// Takes back what Deformat() did. The same as `apertium-retxt`.
std::string Reformat(std::string_view stream);

// A part of a text, and whether the pipeline is to see it.
struct TextPart {
  std::string_view text;
  bool translate;
};

// A run of more characters without white space than this is no word of any language: a key, a URL,
// an encoded file. The engine's time for a word grows with the square of its length (0.2 s for
// 20,000 characters, 19 s for 100,000), so these go around it.
inline constexpr size_t kLongestWord = 1000;

// Cuts a text so that each run above kLongestWord is a part of its own, not to be translated; the
// parts, one after another, are the text. REQUIRES: CleanText(text) == text.
std::vector<TextPart> SplitLongWords(std::string_view text);

}  // namespace souvenir::compute
