#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct ModelsOptions {
  std::string name;  // empty: all
};

// Prints the models of any server of the Open Inference Protocol with state, inputs, outputs and
// digest. Models that cannot be described now are listed too. kFailed if `name` is not there.
Outcome Models(const ModelsOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
