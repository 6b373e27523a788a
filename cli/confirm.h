#pragma once

#include <string_view>

#include "cli/console.h"
#include "cli/exit_code.h"

namespace souvenir::cli {

// Confirms a command that cannot be undone. OK if `yes` (--yes) is set, or if a person at the
// terminal answers `question` with yes. kFailed for any other answer. kUsage if there is no
// terminal; the message begins with `what`, as in "this forgets every answer".
Outcome Confirm(std::string_view what, std::string_view question, bool yes, Console& console);

}  // namespace souvenir::cli
