#pragma once

#include <string>
#include <vector>

#include "cli/console.h"

namespace souvenir::cli {

// Reads `arguments` (without the program's name) and the environment (SOUVENIR_SERVER,
// SOUVENIR_ADMIN), and runs the command. Errors go to console.err, fit for a terminal. Returns the
// exit status that `souvenir --help` documents. `version` is the text of --version.
int RunCommandLine(const std::vector<std::string>& arguments, const std::string& version,
                   Console& console);

}  // namespace souvenir::cli
