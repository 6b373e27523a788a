#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "common/clock.h"

namespace souvenir {

// How long to leave alone something that keeps failing: a few failures in a row are tried again at
// once, each further one doubles the pause. Not thread-safe.
class Backoff {
 public:
  struct Options {
    int free_failures = 3;                           // in a row, before there is a pause
    absl::Duration first = absl::Milliseconds(100);  // the first pause
    absl::Duration longest = absl::Seconds(5);
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

  // What is left of the pause; zero when the next try may be made.
  absl::Duration Remaining() const {
    if (failures_ == 0) return absl::ZeroDuration();
    return std::max(absl::ZeroDuration(), until_ - clock_->Monotonic());
  }

  // Since the last success.
  int failures() const { return failures_; }

 private:
  const Clock* const clock_;
  const Options options_;
  int failures_ = 0;
  absl::Duration until_;
};

}  // namespace souvenir
