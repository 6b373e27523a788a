#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct ModelsOptions {
  std::string name;  // empty: all
};

// The models of any server of the Open Inference Protocol: state, inputs, outputs, digest. A model
// that cannot be described now is listed all the same. kFailed where `name` is not there.
Outcome Models(const ModelsOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
