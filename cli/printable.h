#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace souvenir::cli {

// Returns the offset in bytes at which `text` stops being UTF-8, or nothing if all of it is.
std::optional<size_t> FindInvalidUtf8(std::string_view text);

// Returns `text` in a form that is safe on a terminal, always as UTF-8. Characters that a terminal
// would obey (C0 and C1 control characters, DEL, line and paragraph separators, marks that turn the
// direction of writing) become \n, \t, \x1b or \u202e. Bytes that are not UTF-8 become \xff. A
// backslash stays as it is, because the result is for people and not for parsing. The result is one
// line. It is for messages, names and all else that stands in one line.
std::string Printable(std::string_view text);

// Same as Printable(), but for a text that a model made, which may have several lines in a column:
// keeps line feeds, and adds `indent` blanks after each. Removes carriage returns before them.
std::string PrintableLines(std::string_view text, size_t indent);

// Returns `text` as a string of JSON, quotes included, with the same characters as \uXXXX. Bytes
// that are not UTF-8 become U+FFFD.
std::string JsonString(std::string_view text);

// Returns the number of columns of the UTF-8 `text`, which is that of its code points. Wide and
// combining characters are counted as one; our tables hold names, numbers and units.
size_t DisplayWidth(std::string_view text);

// Return `text` with blanks after it or before it, up to `width` columns.
std::string PadRight(std::string text, size_t width);
std::string PadLeft(const std::string& text, size_t width);

// Returns "420 µs", "9.8 ms", "1.25 s", "3 min 20 s", "2 h 5 min", "4 d 3 h".
std::string HumanDuration(absl::Duration duration);

// Returns "512 B", "1.5 KiB", "256 MiB".
std::string HumanBytes(uint64_t bytes);

// Returns "83.3%", or "-" if `whole` is 0.
std::string HumanShare(uint64_t part, uint64_t whole);

}  // namespace souvenir::cli
