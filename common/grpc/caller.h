#pragma once

#include <grpcpp/server_context.h>

#include <chrono>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock.h"

namespace souvenir {

// The time for which a caller waits for its answer, by Clock::Monotonic().
struct CallerPatience {
  absl::Duration begun;
  absl::Duration deadline = absl::InfiniteDuration();  // infinite: the call has none
};

// Returns the deadline, in gRPC's form, of a call that may take `timeout` from now on.
std::chrono::system_clock::time_point DeadlineIn(absl::Duration timeout);

// Returns the deadline of a call, by Clock::Monotonic(); infinite if it has none.
absl::Duration MonotonicDeadline(const grpc::ServerContextBase& context, const Clock& clock);

// Returns why a caller has gone: DEADLINE_EXCEEDED if its deadline has come, else CANCELLED.
//
// A deadline that passes at the client reaches the server as a cancellation like any other, and
// usually a little before the server's own deadline: the client sends its deadline as a timeout
// that is rounded up to three digits, and the server counts it from its arrival. So a caller counts
// as DEADLINE_EXCEEDED if it goes in the last 20 ms plus a fiftieth of its timeout, but never in
// the first half of the timeout.
absl::Status CallerGone(const CallerPatience& patience, absl::Duration now);

}  // namespace souvenir
