#pragma once

#include <string>
#include <vector>

#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/settings.h"

namespace souvenir::cli {

struct TasksOptions {
  std::string job;                 // id
  std::string step;                // id of a step; empty: the job's result step
  std::vector<std::string> steps;  // ids; none: all
  std::string queue;
  bool quiet = false;  // nothing but the elements
};

// The commands about jobs. Each prints tables for people, or with --json the answers as they are,
// one document a line.
Outcome TasksList(const Settings& settings, Console& console);
Outcome TasksShow(const TasksOptions& options, const Settings& settings, Console& console);
// Follows a job until it has ended. kFailed if it has failed or was cancelled.
Outcome TasksWatch(const TasksOptions& options, const Settings& settings, Console& console);
Outcome TasksCancel(const TasksOptions& options, const Settings& settings, Console& console);
Outcome TasksResult(const TasksOptions& options, const Settings& settings, Console& console);
Outcome TasksDead(const TasksOptions& options, const Settings& settings, Console& console);
Outcome TasksRequeue(const TasksOptions& options, const Settings& settings, Console& console);
Outcome TasksRetry(const TasksOptions& options, const Settings& settings, Console& console);
Outcome TasksQueues(const Settings& settings, Console& console);
Outcome TasksPause(const TasksOptions& options, const Settings& settings, Console& console);
Outcome TasksResume(const TasksOptions& options, const Settings& settings, Console& console);

}  // namespace souvenir::cli
