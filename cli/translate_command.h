#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/request_options.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct TranslateOptions {
  std::string source;                // BCP-47
  std::vector<std::string> targets;  // BCP-47; at least one
  std::vector<std::string> text;     // words; none, or "-" alone: standard input
  std::string engine;                // empty: the gateway chooses
  RequestOptions request;
  bool verbose = false;  // tell where each answer came from
  bool quiet = false;    // nothing but the translations
};

// Prints targets in the order asked, each as soon as it and those before it are there. With --json
// prints one TranslateResponse when all are there. With --quiet prints an empty line for a target
// that failed, so that line n is target n. kFailed if a target has an error.
Outcome Translate(const TranslateOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
