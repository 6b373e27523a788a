#pragma once

#include <atomic>
#include <cstdint>

#include "common/clock.h"

namespace souvenir {

// Limits the lines per second that one place in the code may log. For lines that somebody outside
// can cause: a caller, a model, a server that is asked, a folder that keeps changing. Lines beyond
// the limit are left out and counted. After a pause, more lines may come at once: `burst`.
//
//   constinit LogLimit lost_limit;
//   log.Warning(lost_limit, "a program was lost", {{"model", name}});
//
// A constant of a .cc file beside its Logger, or a member. Thread-safe; takes no lock.
class LogLimit {
 public:
  static constexpr uint64_t kDefaultMost = 10;

  // Uses Clock::System() if `clock` is null. The clock must outlive it. A `burst` of 0 is
  // `most_per_second`. Both numbers are at most a million.
  constexpr explicit LogLimit(uint64_t most_per_second = kDefaultMost, const Clock* clock = nullptr,
                              uint64_t burst = 0)
      : line_ns_(1'000'000'000 / static_cast<int64_t>(most_per_second)),
        burst_ns_(line_ns_ * static_cast<int64_t>(burst > 0 ? burst : most_per_second)),
        clock_(clock) {}

  // Returns true if a line may be written now, and sets `*left_out` to the number of lines left out
  // since the last one.
  bool Allows(uint64_t* left_out);

 private:
  const int64_t line_ns_;   // time after which one more line may be written
  const int64_t burst_ns_;  // the same for the lines of a burst
  const Clock* const clock_;
  // Monotonic time at which a whole burst may be written again. Each line moves it by line_ns_.
  std::atomic<int64_t> whole_at_ns_{0};
  std::atomic<uint64_t> left_out_{0};  // lines left out since the last one
};

}  // namespace souvenir
