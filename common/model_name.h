#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace souvenir {

// Names of models and versions are in messages, which must be UTF-8, and in metrics and logs. They
// are therefore checked where they enter: the folders of a repository, the index of a server, the
// configuration.
inline constexpr size_t kMostNameBytes = 255;

// Returns "it is not UTF-8" or "it has a control character" for such a name, or "". Line and
// paragraph separators count as control characters.
std::string_view FaultOfName(std::string_view name);

// Checks that `name` has 1 to kMostNameBytes bytes of UTF-8 without control characters and line
// separators. INVALID_ARGUMENT shows the name escaped.
absl::Status CheckModelName(std::string_view name);

// Returns `name` in printable ASCII for messages and logs, cut after 80 bytes.
std::string EscapedName(std::string_view name);

}  // namespace souvenir
