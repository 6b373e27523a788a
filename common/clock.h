#pragma once

#include <algorithm>

#include "absl/time/time.h"

namespace souvenir {

// The source of time of a component, which tests can replace by a manual one.
//
// Thread-safe. A Clock must outlive the components that have a pointer to it. A thread waits for a
// moment of the clock with CondVar::WaitUntil().
class Clock {
 public:
  virtual ~Clock() = default;

  // Returns the time of day, which may jump. It dates entries that survive restarts.
  virtual absl::Time Now() const = 0;

  // Returns the time since some fixed moment, which never jumps. Deadlines and measurements use it.
  virtual absl::Duration Monotonic() const = 0;

  // Returns how long a thread may sleep that waits until Monotonic() is `when`; zero or less once
  // that moment has come. The thread then asks again: a clock that a test advances answers with a
  // short time, and no answer is above an hour, which every kind of wait can represent.
  virtual absl::Duration SleepUntil(absl::Duration when) const {
    return std::min(when - Monotonic(), absl::Hours(1));
  }

  // Returns the machine's clock, which is never destroyed.
  static Clock* System();
};

}  // namespace souvenir
