#pragma once

#include <string>

#include "common/config/command_description.h"

namespace souvenir::cli {

// A script for `shell` (bash, zsh or fish; anything else gives none) that completes the commands of
// `program`, their flags, the values of flags that have a few, and files where one is asked for. It
// asks nobody: it knows only what `program` says.
std::string CompletionScript(const std::string& shell, const CommandDescription& program);

}  // namespace souvenir::cli
