#pragma once

#include "absl/time/time.h"

namespace souvenir {

// Where a component gets its time from, so that tests can turn it by hand.
//
// Thread-safe. A Clock outlives all that is given a pointer to it.
class Clock {
 public:
  virtual ~Clock() = default;

  // The time of day. It may jump; entries that live across restarts are dated by it.
  virtual absl::Time Now() const = 0;

  // Time since some fixed moment; it never jumps. Deadlines and measurements use it.
  virtual absl::Duration Monotonic() const = 0;

  // The machine's clock; never destroyed.
  static Clock* System();
};

}  // namespace souvenir
