#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace souvenir {

// Names of models and of their versions travel in messages, which must be UTF-8, and stand in
// metrics and logs. So they are held to one contract where they enter: the
// folders of a repository, the index of a server, the configuration.
inline constexpr size_t kMostNameBytes = 255;

// INVALID_ARGUMENT, which shows the name escaped, unless `name` has 1 to kMostNameBytes bytes of
// UTF-8 without control characters and line separators.
absl::Status CheckModelName(std::string_view name);

// `name` in printable ASCII, for messages and logs, cut where it is long.
std::string EscapedName(std::string_view name);

}  // namespace souvenir
