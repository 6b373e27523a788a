#include "common/logging/log_limit.h"

namespace souvenir {

bool LogLimit::Allows(uint64_t* left_out) {
  const Clock* const clock = clock_ != nullptr ? clock_ : Clock::System();
  const int64_t now = absl::ToInt64Seconds(clock->Monotonic());
  int64_t second = second_.load();
  if (second != now && second_.compare_exchange_strong(second, now)) written_ = 0;
  if (written_.fetch_add(1) >= most_) {
    left_out_.fetch_add(1);
    return false;
  }
  *left_out = left_out_.exchange(0);
  return true;
}

}  // namespace souvenir
