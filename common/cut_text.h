#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace souvenir {

// Returns the longest beginning of `text` that has at most `most_bytes` bytes and does not end
// within a character of UTF-8. A message that a cut made invalid would be refused by protobuf.
std::string_view CutText(std::string_view text, size_t most_bytes);

// Returns CutText(), followed by "..." if something was cut off.
std::string Shortened(std::string_view text, size_t most_bytes);

}  // namespace souvenir
