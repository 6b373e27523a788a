#include "cli/confirm.h"

#include <fmt/format.h>

#include <string>

#include "absl/strings/ascii.h"
#include "cli/printable.h"

namespace souvenir::cli {

Outcome Confirm(std::string_view what, std::string_view question, bool yes, Console& console) {
  if (yes) return {};
  if (!console.in_is_terminal) {
    return Outcome::Usage(
        fmt::format("{}, and there is no terminal to confirm it; use --yes", what));
  }
  console.err << Printable(question) << " [y/N] " << std::flush;
  std::string answer;
  std::getline(console.in, answer);
  answer = absl::AsciiStrToLower(absl::StripAsciiWhitespace(answer));
  if (answer == "y" || answer == "yes") return {};
  return {ExitCode::kFailed, "nothing was done"};
}

}  // namespace souvenir::cli
