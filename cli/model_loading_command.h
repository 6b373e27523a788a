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

// The opposite: the model is refused until it is loaded again. What is remembered of it stays.
Outcome UnloadModel(const ModelLoadingOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
