#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct TranslateOptions {
  std::string source;                // BCP-47
  std::vector<std::string> targets;  // BCP-47; at least one
  std::vector<std::string> text;     // words; none, or "-" alone: standard input
  std::string engine;                // empty: the gateway chooses
  bool verbose = false;              // tell where each answer came from
  bool quiet = false;                // nothing but the translations
};

// Prints each target as soon as its answer is there, those from the cache first; with JSON one
// TranslateResponse when all are. kFailed where a target has an error.
Outcome Translate(const TranslateOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
