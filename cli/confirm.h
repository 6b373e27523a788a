#pragma once

#include <string_view>

#include "cli/console.h"
#include "cli/exit_code.h"

namespace souvenir::cli {

// What cannot be undone begins here. OK where `yes` (--yes) is set, or a person at the terminal
// answers `question` with yes. kUsage where nobody can be asked: `what` says what would happen, as
// in "this forgets every answer". kFailed where the answer is anything but yes.
Outcome Confirm(std::string_view what, std::string_view question, bool yes, Console& console);

}  // namespace souvenir::cli
