#pragma once

#include <string>

#include "common/config/command_description.h"

namespace souvenir::cli {

// Returns a script for bash, zsh or fish, or an empty text for any other `shell`. The script
// completes the commands of `program`, their flags, values of flags that have only a few, and
// files. It calls no server.
std::string CompletionScript(const std::string& shell, const CommandDescription& program);

}  // namespace souvenir::cli
