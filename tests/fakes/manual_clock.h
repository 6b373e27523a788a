#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace souvenir {

// A clock that only a test advances. It starts at 2026-01-01 and 1,000 s of monotonic time.
// Thread-safe.
class ManualClock final : public Clock {
 public:
  absl::Time Now() const override {
    MutexLock lock(&mutex_);
    return now_;
  }
  absl::Duration Monotonic() const override {
    MutexLock lock(&mutex_);
    return monotonic_;
  }
  // A thread that waits for this clock looks at it again after a millisecond of real time.
  absl::Duration SleepUntil(absl::Duration when) const override {
    return std::min(when - Monotonic(), absl::Milliseconds(1));
  }

  // Advances both times.
  void Advance(absl::Duration by) {
    MutexLock lock(&mutex_);
    now_ += by;
    monotonic_ += by;
  }

  // Advances only the time of day, as if the clock were set.
  void SetForward(absl::Duration by) {
    MutexLock lock(&mutex_);
    now_ += by;
  }

 private:
  mutable Mutex mutex_;
  absl::Time now_ ABSL_GUARDED_BY(mutex_) = absl::FromUnixSeconds(1'767'225'600);
  absl::Duration monotonic_ ABSL_GUARDED_BY(mutex_) = absl::Seconds(1000);
};

}  // namespace souvenir
