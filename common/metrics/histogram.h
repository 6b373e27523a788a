#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "common/thread_shard.h"

namespace souvenir {

// A histogram's state at one moment.
struct HistogramSnapshot {
  std::vector<double> bounds;     // upper bounds, ascending, without infinity
  std::vector<uint64_t> buckets;  // counts, not cumulated; one more than bounds
  double sum = 0;
};

// Bounds for sizes: 1, 2, 4, ..., so many.
std::vector<double> PowersOfTwo(size_t count);

// Durations in buckets, from 1 µs (a hit) to minutes (audio): four for each factor of ten up to
// 1,000 s.
//
// Thread-safe without a lock: prometheus-cpp's own takes a mutex, 0.24 µs from two threads at once,
// which is a third of all that a hit may cost.
class DurationHistogram {
 public:
  DurationHistogram();

  void Record(absl::Duration duration);

  // In seconds.
  HistogramSnapshot Snapshot() const;

 private:
  static constexpr size_t kBounds = 37;
  struct alignas(64) Shard {
    std::array<std::atomic<uint64_t>, kBounds + 1> buckets{};
    std::atomic<uint64_t> sum_ns{0};
  };
  std::unique_ptr<std::array<Shard, kThreadShards>> shards_;
};

}  // namespace souvenir
