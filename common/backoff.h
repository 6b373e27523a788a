#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "common/clock.h"

namespace souvenir {

// Computes the pause before another try of something that keeps failing. A few failures in a row
// cause no pause; each further one doubles it. Not thread-safe. The clock must outlive it.
class Backoff {
 public:
  // Set by code alone, so the bounds are the caller's to keep.
  struct Options {
    int free_failures = 3;                           // failures in a row without a pause
    absl::Duration first = absl::Milliseconds(100);  // first pause
    absl::Duration longest = absl::Seconds(5);       // longest pause
  };

  Backoff(const Clock* clock, Options options) : clock_(clock), options_(options) {}

  void Succeeded() { failures_ = 0; }

  void Failed() {
    ++failures_;
    absl::Duration pause = options_.first;
    for (int i = options_.free_failures + 1; i < failures_ && pause < options_.longest; ++i) {
      pause *= 2;
    }
    if (failures_ <= options_.free_failures) pause = absl::ZeroDuration();
    until_ = clock_->Monotonic() + std::min(pause, options_.longest);
  }

  // Returns the rest of the pause; zero if the next try may be made.
  absl::Duration Remaining() const {
    if (failures_ == 0) return absl::ZeroDuration();
    return std::max(absl::ZeroDuration(), until_ - clock_->Monotonic());
  }

  // Returns the number of failures since the last success.
  int failures() const { return failures_; }

 private:
  const Clock* const clock_;
  const Options options_;
  int failures_ = 0;
  absl::Duration until_;  // monotonic end of the pause
};

}  // namespace souvenir
