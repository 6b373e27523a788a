#include "gateway/tasks/retry_decision.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/cut_text.h"
#include "common/error_kind.h"
#include "common/escape_controls.h"

namespace souvenir::gateway {
namespace {

// The message is kept with the step and its event.
constexpr size_t kMostMessageBytes = 2048;

}  // namespace

bool SaysUnavailable(absl::StatusCode code) {
  // A call is cancelled only by its step or by a gateway that stops.
  return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kResourceExhausted ||
         code == absl::StatusCode::kCancelled;
}

absl::Duration PauseAfter(const RetryPolicy& policy, uint32_t failures, double uniform) {
  absl::Duration pause = policy.initial_backoff;
  for (uint32_t i = 0; i < failures && pause < policy.max_backoff; ++i) pause *= 2;
  pause = std::min(pause, policy.max_backoff);
  return pause - pause * (policy.jitter * uniform);
}

Outcome OutcomeOf(const ClaimedStep& step, StepResult result, absl::Time now, double uniform) {
  Outcome outcome{.ref = step.ref, .attempt = step.attempt};
  outcome.rows = result.rows;
  outcome.remembered_rows = result.remembered_rows;
  if (result.outputs.ok()) {
    outcome.kind = Outcome::Kind::kSucceeded;
    outcome.result = *std::move(result.outputs);
    return outcome;
  }
  const absl::Status& status = result.outputs.status();
  const std::string text = EscapeInvalid({status.message().data(), status.message().size()});
  outcome.status = absl::Status(status.code(), Shortened(text, kMostMessageBytes));
  outcome.was_unavailable = SaysUnavailable(status.code());
  if (!outcome.was_unavailable && !KindOf(status.code()).is_transient) {
    outcome.kind = Outcome::Kind::kFailed;
    outcome.reason = DeadLetterReason::kPermanent;
    return outcome;
  }
  const uint32_t before = outcome.was_unavailable ? step.unavailable : step.failures;
  const bool is_last = outcome.was_unavailable ? before >= result.retry.max_unavailable
                                               : before + 1 >= result.retry.max_attempts;
  if (is_last) {
    outcome.kind = Outcome::Kind::kFailed;
    outcome.reason = DeadLetterReason::kExhausted;
    return outcome;
  }
  outcome.kind = Outcome::Kind::kRetry;
  outcome.due = now + PauseAfter(result.retry, before, uniform);
  return outcome;
}

}  // namespace souvenir::gateway
