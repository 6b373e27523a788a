#pragma once

#include <grpcpp/server_context.h>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/clock.h"

namespace souvenir {

// How long a caller waits for its answer, by Clock::Monotonic().
struct CallerPatience {
  absl::Duration begun;
  absl::Duration deadline = absl::InfiniteDuration();  // infinite: the call has none
};

// The deadline of a call, by Clock::Monotonic(); infinite where it has none.
absl::Duration MonotonicDeadline(const grpc::ServerContextBase& context, const Clock& clock);

// Why a caller has gone: DEADLINE_EXCEEDED where its deadline has come, else CANCELLED.
//
// gRPC tells a server of a deadline that passes at the client as of any cancellation, and mostly a
// little before the server's own: the client's deadline travels as a timeout that is rounded up to
// three digits, and is counted from when it arrives. So a caller that goes within 20 ms and a
// fiftieth of its timeout before the deadline is taken for one whose deadline has passed; never in
// the first half of the timeout.
absl::Status CallerGone(const CallerPatience& patience, absl::Duration now);

}  // namespace souvenir
