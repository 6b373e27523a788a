#pragma once

#include "absl/time/time.h"

namespace souvenir {

// The source of time of a component, which tests can replace by a manual one.
//
// Thread-safe. A Clock must outlive the components that have a pointer to it.
class Clock {
 public:
  virtual ~Clock() = default;

  // Returns the time of day, which may jump. It dates entries that survive restarts.
  virtual absl::Time Now() const = 0;

  // Returns the time since some fixed moment, which never jumps. Deadlines and measurements use it.
  virtual absl::Duration Monotonic() const = 0;

  // Returns the machine's clock, which is never destroyed.
  static Clock* System();
};

}  // namespace souvenir
