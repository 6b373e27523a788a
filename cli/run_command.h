#pragma once

#include <string>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct RunOptions {
  std::string plan;     // a file of JSON; "-": standard input
  bool detach = false;  // print the job's id, and do not wait for its end
};

// Submits a job that a file describes: a SubmitJobRequest in protobuf's JSON form. Follows it until
// it has ended; kFailed if it has failed or was cancelled.
Outcome Run(const RunOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
