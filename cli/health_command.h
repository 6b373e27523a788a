#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct HealthOptions {
  std::string part;  // of the server, as "souvenir.disk" or a model's name; empty: the whole
};

// Whether the server, or a part of it, serves: by grpc.health.v1, as probes ask. kFailed where it
// does not.
Outcome Health(const HealthOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
