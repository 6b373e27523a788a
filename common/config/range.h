#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

#include "absl/status/status.h"

namespace souvenir {

// INVALID_ARGUMENT names `field`, what came and what was expected.
inline absl::Status CheckRange(std::string_view field, uint64_t value, uint64_t least,
                               uint64_t most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("{}: {} came, a number from {} to {} is expected", field, value, least, most));
}

}  // namespace souvenir
