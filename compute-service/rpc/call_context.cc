#include "compute-service/rpc/call_context.h"

#include <chrono>

#include "absl/time/clock.h"

namespace souvenir::compute {

absl::Duration MonotonicDeadline(const grpc::ServerContextBase& context, const Clock& clock) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteDuration();
  return clock.Monotonic() + (absl::FromChrono(deadline) - absl::Now());
}

}  // namespace souvenir::compute
