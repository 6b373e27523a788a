#include "cli/settings.h"

#include <fmt/format.h>

#include "absl/strings/numbers.h"

namespace souvenir::cli {

absl::StatusOr<absl::Duration> ParseTimeout(const std::string& text) {
  absl::Duration timeout;
  double seconds = 0;
  if (absl::SimpleAtod(text, &seconds)) {
    timeout = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, &timeout)) {
    return absl::InvalidArgumentError(fmt::format(
        "'{}' is no time; expected seconds, or a number with a unit as in 500ms", text));
  }
  // A day is beyond any use and within what a deadline can say.
  if (!(timeout > absl::ZeroDuration()) || timeout > absl::Hours(24)) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is out of range; expected more than 0 and at most 24h", text));
  }
  return timeout;
}

}  // namespace souvenir::cli
