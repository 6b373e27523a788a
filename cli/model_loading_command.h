#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct ModelLoadingOptions {
  std::string name;
};

// Loads a model, or loads it again, by way of the admin port. Waits until it is loaded, at most for
// the timeout. An error gives the reason and the nearest name of a model.
Outcome LoadModel(const ModelLoadingOptions& options, const Settings& settings, Console& console);

// Unloads a model by way of the admin port. The model is refused until it is loaded again. Its
// remembered answers are kept.
Outcome UnloadModel(const ModelLoadingOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
