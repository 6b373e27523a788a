#pragma once

#include <atomic>
#include <cstdint>

#include "common/clock.h"

namespace souvenir {

// How many lines a second a place may log that somebody from outside can make log: a caller, a
// model, a server that is asked, a folder that keeps changing. Beyond that lines are left out, and
// counted.
//
//   constinit LogLimit lost_limit;
//   log.Warning(lost_limit, "a program was lost", {{"model", name}});
//
// Meant to be a constant of a .cc file beside its Logger, or a member. Thread-safe; takes no lock.
class LogLimit {
 public:
  static constexpr uint64_t kDefaultMost = 10;

  // Without a clock it is the system's. The clock outlives it.
  constexpr explicit LogLimit(uint64_t most_per_second = kDefaultMost, const Clock* clock = nullptr)
      : most_(most_per_second), clock_(clock) {}

  // Whether a line may be written now; `*left_out` is then how many were not since the last one.
  bool Allows(uint64_t* left_out);

 private:
  const uint64_t most_;
  const Clock* const clock_;
  std::atomic<int64_t> second_{-1};    // that written_ is of
  std::atomic<uint64_t> written_{0};   // in that second
  std::atomic<uint64_t> left_out_{0};  // since the last line
};

}  // namespace souvenir
