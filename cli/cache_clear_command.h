#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct CacheClearOptions {
  std::string model;  // at most one of `model` and `key`; neither: everything
  std::string key;    // fingerprint, 64 hex digits
  bool yes = false;   // everything, and no question asked
};

// Invalidates, by way of the admin port. To forget everything from a terminal takes `yes`.
Outcome CacheClear(const CacheClearOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
