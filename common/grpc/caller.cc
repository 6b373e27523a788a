#include "common/grpc/caller.h"

#include <grpcpp/server_context.h>

#include <algorithm>
#include <chrono>

#include "absl/time/clock.h"

namespace souvenir {
namespace {

constexpr absl::Duration kEarly = absl::Milliseconds(20);
constexpr int kEarlyPart = 50;

}  // namespace

std::chrono::system_clock::time_point DeadlineIn(absl::Duration timeout) {
  return absl::ToChronoTime(absl::Now() + timeout);
}

absl::Duration MonotonicDeadline(const grpc::ServerContextBase& context, const Clock& clock) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteDuration();
  return clock.Monotonic() + absl::FromChrono(deadline - std::chrono::system_clock::now());
}

absl::Status CallerGone(const CallerPatience& patience, absl::Duration now) {
  const absl::Duration timeout = patience.deadline - patience.begun;
  const absl::Duration early = std::min(timeout / 2, kEarly + timeout / kEarlyPart);
  if (patience.deadline != absl::InfiniteDuration() && now >= patience.deadline - early) {
    return absl::DeadlineExceededError("the request's deadline passed before its answer came");
  }
  return absl::CancelledError("the caller has gone");
}

}  // namespace souvenir
