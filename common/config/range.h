#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace souvenir {

// Checks that `value` is from `least` to `most`. INVALID_ARGUMENT names `field`, the value and the
// range.
inline absl::Status CheckRange(std::string_view field, uint64_t value, uint64_t least,
                               uint64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{} is {}; it must be a number from {} to {}", field, value, least, most));
}

}  // namespace souvenir
