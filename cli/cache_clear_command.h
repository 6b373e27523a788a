#pragma once

#include <optional>
#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct CacheClearOptions {
  // At most one of them; none: everything.
  std::optional<std::string> model;
  std::optional<std::string> tag;
  std::optional<std::string> tenant;
  std::optional<std::string> key;  // fingerprint, 64 hex digits
  bool yes = false;                // everything, and no question asked
};

// Invalidates, by way of the admin port. To forget everything from a terminal takes `yes`.
Outcome CacheClear(const CacheClearOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
