#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace souvenir::cli {

// Where `text` stops being UTF-8, in bytes from its start; nothing where all of it is.
std::optional<size_t> FindInvalidUtf8(std::string_view text);

// `text` as it may be shown on a terminal: always UTF-8, with what a terminal would obey instead of
// show (C0 and C1 control characters, DEL, line and paragraph separators, marks that turn the
// direction of writing) written as \n, \t, \x1b or \u202e. Bytes that are not UTF-8 become \xff. A
// backslash stays one, since the result is for eyes and not for parsing.
std::string Printable(std::string_view text);

// The same, but line feeds stay, each followed by `indent` blanks, so that a text of many lines
// stands in its column. Carriage returns before them go.
std::string PrintableLines(std::string_view text, size_t indent);

// `text` as a string of JSON, quotes included, with the same characters as \uXXXX. What is not
// UTF-8 becomes U+FFFD.
std::string JsonString(std::string_view text);

// How many columns the UTF-8 `text` takes: its code points. Good for what stands in our tables
// (names, numbers, units); no attempt is made at wide or combining characters.
size_t DisplayWidth(std::string_view text);

// "420 µs", "9.8 ms", "1.25 s", "3 min 20 s", "2 h 5 min", "4 d 3 h".
std::string HumanDuration(absl::Duration duration);

// "512 B", "1.5 KiB", "256 MiB".
std::string HumanBytes(uint64_t bytes);

// "83.3%"; "-" where `whole` is 0.
std::string HumanShare(uint64_t part, uint64_t whole);

}  // namespace souvenir::cli
