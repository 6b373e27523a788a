#pragma once

#include <string>
#include <vector>

#include "cli/console.h"

namespace souvenir::cli {

// Reads `arguments` (without the program's name) and the environment (SOUVENIR_SERVER,
// SOUVENIR_ADMIN), runs the command and says what went wrong on console.err, fit for a terminal.
// The exit status, as `souvenir --help` tells. `version` is for --version.
int RunCommandLine(const std::vector<std::string>& arguments, const std::string& version,
                   Console& console);

}  // namespace souvenir::cli
