#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace souvenir {

// Appends a character as people may see it where a terminal or a log would obey it: \n, \r, \t,
// \x1b or \u202e. A backslash is no such character, because the result is for people and not for
// parsing.
void AppendEscaped(uint32_t code_point, std::string* out);

// Returns `text` with each control character (C0, DEL, and C1 in UTF-8) in that form. All other
// bytes stay as they are, and so does other UTF-8.
std::string EscapeControls(std::string_view text);

// Returns `text` with each byte that is not part of UTF-8 in that form. Messages of servers and
// processes may have any bytes, and protobuf refuses a string that is not UTF-8.
std::string EscapeInvalid(std::string_view text);

}  // namespace souvenir
