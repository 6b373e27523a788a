#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct VoicesOptions {
  std::string language;  // BCP-47; empty: all
};

// Prints the voices that can speak now, each with its model. kFailed if there is none.
Outcome Voices(const VoicesOptions& options, const Settings& settings, Console& console);

// Prints the models that recognise speech, by language. kFailed if there is none.
Outcome Recognizers(const Settings& settings, Console& console);

}  // namespace souvenir::cli
