#pragma once

#include <atomic>
#include <cstdint>

#include "common/clock.h"

namespace souvenir {

// Limits the lines per second that one place in the code may log. For lines that somebody outside
// can cause: a caller, a model, a server that is asked, a folder that keeps changing. Lines beyond
// the limit are left out and counted.
//
//   constinit LogLimit lost_limit;
//   log.Warning(lost_limit, "a program was lost", {{"model", name}});
//
// A constant of a .cc file beside its Logger, or a member. Thread-safe; takes no lock.
class LogLimit {
 public:
  static constexpr uint64_t kDefaultMost = 10;

  // Uses Clock::System() if `clock` is null. The clock must outlive it.
  constexpr explicit LogLimit(uint64_t most_per_second = kDefaultMost, const Clock* clock = nullptr)
      : most_(most_per_second), clock_(clock) {}

  // Returns true if a line may be written now, and sets `*left_out` to the number of lines left out
  // since the last one.
  bool Allows(uint64_t* left_out);

 private:
  const uint64_t most_;
  const Clock* const clock_;
  std::atomic<int64_t> second_{-1};    // second in which written_ counts
  std::atomic<uint64_t> written_{0};   // lines in that second
  std::atomic<uint64_t> left_out_{0};  // lines left out since the last one
};

}  // namespace souvenir
