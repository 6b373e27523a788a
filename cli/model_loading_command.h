#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct ModelLoadingOptions {
  std::string name;
};

// Loads a model, or loads it again, by way of the admin port; takes as long as the model does, up
// to the timeout. An error says what became of the model, and which is the nearest name.
Outcome LoadModel(const ModelLoadingOptions& options, const Settings& settings, Console& console);

// Unloads a model by way of the admin port. The model is refused until it is loaded again. Its
// remembered answers are kept.
Outcome UnloadModel(const ModelLoadingOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
