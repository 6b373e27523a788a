#pragma once

#include <functional>

#include "absl/time/time.h"
#include "gateway/tasks/step_runner.h"
#include "gateway/tasks/task_types.h"

namespace souvenir::gateway {

// Decides what a result means for its step: by the kind of the error, the policy of the step, and
// the attempts before. `uniform` is from [0, 1) and shortens a pause by its share of the jitter.
Outcome OutcomeOf(const ClaimedStep& step, StepResult result, absl::Time now, double uniform);

// Returns the pause after the failure with the number `failures`, from 0: it doubles from
// `initial_backoff` to `max_backoff`, and is shortened by up to the share `jitter`.
absl::Duration PauseAfter(const RetryPolicy& policy, uint32_t failures, double uniform);

// Returns true for an error that says nothing about the step, but that nobody could run it.
bool SaysUnavailable(absl::StatusCode code);

}  // namespace souvenir::gateway
