#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct LanguagesOptions {
  std::string source;  // empty: all
  std::string target;  // empty: all
};

// Prints the pairs that can be asked for now, each with its model. kFailed if there is none.
Outcome Languages(const LanguagesOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
