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
  bool yes = false;                // do not ask
};

// Invalidates, by way of the admin port, and says what of. Everything, and all that has no tenant,
// is asked for first (see confirm.h). kFailed where the gateway knows of nothing that was named: a
// key without an entry, a model nobody has.
Outcome CacheClear(const CacheClearOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
