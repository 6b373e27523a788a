#include "common/gate.h"

#include <algorithm>
#include <chrono>

namespace souvenir {

std::optional<Gate::Pass> Gate::Enter() {
  MutexLock lock(&mutex_);
  if (closed_) return std::nullopt;
  ++inside_;
  return Pass(this);
}

void Gate::Close() {
  MutexLock lock(&mutex_);
  closed_ = true;
}

bool Gate::WaitUntilEmpty(absl::Duration timeout) {
  // A moment without end cannot be added to now.
  constexpr absl::Duration kForever = absl::Hours(24 * 365);
  const auto end =
      std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(std::min(timeout, kForever));
  MutexLock lock(&mutex_);
  while (inside_ > 0) {
    const auto left = end - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    emptied_.WaitFor(&mutex_, left);
  }
  return true;
}

size_t Gate::inside() const {
  MutexLock lock(&mutex_);
  return inside_;
}

void Gate::Leave() {
  MutexLock lock(&mutex_);
  // Notified under the lock: the waiter may destroy the gate as soon as it sees zero.
  if (--inside_ == 0) emptied_.NotifyAll();
}

}  // namespace souvenir
