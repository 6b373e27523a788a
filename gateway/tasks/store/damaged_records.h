#pragma once

#include "absl/status/statusor.h"
#include "gateway/tasks/store/task_database.h"
#include "gateway/tasks/task_types.h"
#include "souvenir/state/v1/tasks.pb.h"

// What takes the place of a record that cannot be read, so that its job ends and all others go on.
// Read from what else the store has of the job, which takes time for each of its steps.

namespace souvenir::gateway {

// Returns a job with the steps that it has. It is ending with DATA_LOSS; names, keys and special
// steps are lost.
absl::StatusOr<state::v1::TaskJob> JobInPlaceOf(const TaskDatabase& database, JobNumber number);

// Returns a step as its last event says if it has ended. Else it is running, so that nothing but
// StepTransitions::EndDamaged() ends it. Its queue and priority are lost.
absl::StatusOr<state::v1::TaskStep> StepInPlaceOf(const TaskDatabase& database, StepRef step);

}  // namespace souvenir::gateway
