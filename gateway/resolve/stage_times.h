#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace souvenir::gateway {

enum class Stage {
  kDisk,      // waiting for the disk's threads, and reading
  kUpstream,  // from a call to compute until its answer
  kCompute,   // part of kUpstream: the computation, as compute reports it
};

// The time that a call spent in each stage, for logs about calls that were not answered from
// memory. Rows of several models go through a stage side by side, so the longest time of each stage
// is kept. Thread-safe.
class StageTimes {
 public:
  void Note(Stage stage, absl::Duration took) {
    std::atomic<int64_t>& longest = longest_ns_[static_cast<size_t>(stage)];
    const int64_t ns = absl::ToInt64Nanoseconds(took);
    int64_t known = longest.load(std::memory_order_relaxed);
    while (known < ns && !longest.compare_exchange_weak(known, ns, std::memory_order_relaxed)) {
    }
  }

  // Returns the time of a stage, or zero if the call did not go through it.
  absl::Duration of(Stage stage) const {
    return absl::Nanoseconds(
        longest_ns_[static_cast<size_t>(stage)].load(std::memory_order_relaxed));
  }

 private:
  std::array<std::atomic<int64_t>, 3> longest_ns_{};
};

}  // namespace souvenir::gateway
