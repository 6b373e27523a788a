#pragma once

#include <string>

#include "cli/connection.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "souvenir/v1/task_service.grpc.pb.h"

namespace souvenir::cli {

// Views of jobs and steps for people, fit for a terminal.

// Return the name of a state as people see it: "running", "dead letter".
std::string JobStateName(souvenir::v1::JobState state);
std::string StepStateName(souvenir::v1::StepState state);

// Returns "17 of 20 steps, 2 failed".
std::string StepCountsText(const souvenir::v1::StepCounts& steps);

// Returns the lines about a job.
std::string JobText(const souvenir::v1::Job& job);

// Prints the events of a job until it has ended, as lines or as JSON. The outcome is kFailed if the
// job has failed or was cancelled.
Outcome FollowJob(const std::string& job, bool json, Connection* connection,
                  souvenir::v1::TaskService::Stub* stub, Console& console);

}  // namespace souvenir::cli
