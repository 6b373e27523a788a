#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"

namespace souvenir::gateway {

enum class Stage {
  kDisk,      // waiting for the disk's threads, and reading
  kUpstream,  // from a call of compute to its answer
  kCompute,   // of that, what compute says it computed
};

// Where the time of a call went that was not answered from memory, for logs: of each stage the
// longest, because rows of several models go through it side by side. Thread-safe.
class StageTimes {
 public:
  void Note(Stage stage, absl::Duration took) {
    std::atomic<int64_t>& longest = longest_ns_[static_cast<size_t>(stage)];
    const int64_t ns = absl::ToInt64Nanoseconds(took);
    int64_t known = longest.load(std::memory_order_relaxed);
    while (known < ns && !longest.compare_exchange_weak(known, ns, std::memory_order_relaxed)) {
    }
  }

  // Zero for a stage that there was not.
  absl::Duration of(Stage stage) const {
    return absl::Nanoseconds(
        longest_ns_[static_cast<size_t>(stage)].load(std::memory_order_relaxed));
  }

 private:
  std::array<std::atomic<int64_t>, 3> longest_ns_{};
};

}  // namespace souvenir::gateway
