#pragma once

#include <optional>
#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct CacheClearOptions {
  // At most one of them is set. None means everything.
  std::optional<std::string> model;
  std::optional<std::string> tag;
  std::optional<std::string> tenant;
  std::optional<std::string> key;  // fingerprint, 64 hex digits
  bool yes = false;                // do not ask
};

// Invalidates by way of the admin port, and prints what was forgotten. Asks before it forgets
// everything, or all answers without a tenant (see confirm.h). kFailed if the gateway knows nothing
// of the name: no entry has the key, or no server has the model.
Outcome CacheClear(const CacheClearOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
