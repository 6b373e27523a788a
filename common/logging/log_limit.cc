#include "common/logging/log_limit.h"

#include <algorithm>

namespace souvenir {

bool LogLimit::Allows(uint64_t* left_out) {
  const Clock* const clock = clock_ != nullptr ? clock_ : Clock::System();
  const int64_t now = absl::ToInt64Nanoseconds(clock->Monotonic());
  int64_t whole_at = whole_at_ns_.load();
  for (;;) {
    const int64_t next = std::max(whole_at, now) + line_ns_;
    if (next - now > burst_ns_) {
      left_out_.fetch_add(1);
      return false;
    }
    if (whole_at_ns_.compare_exchange_weak(whole_at, next)) break;
  }
  *left_out = left_out_.exchange(0);
  return true;
}

}  // namespace souvenir
