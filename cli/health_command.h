#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct HealthOptions {
  std::string part;  // "souvenir.disk", or a model's name; empty: the whole server
};

// Asks by grpc.health.v1, as probes do, if the server or a part of it serves. kFailed if it does
// not.
Outcome Health(const HealthOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
