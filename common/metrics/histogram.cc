#include "common/metrics/histogram.h"

#include <algorithm>
#include <cmath>

namespace souvenir {
namespace {

// Returns bounds in nanoseconds: 1000, 1800, 3200, 5600, 10000, ... to 10^12.
template <size_t kCount>
std::array<int64_t, kCount> MakeBounds() {
  constexpr std::array<double, 4> kSteps = {1.0, 1.8, 3.2, 5.6};
  std::array<int64_t, kCount> bounds;
  for (size_t i = 0; i < kCount; ++i) {
    const size_t decade = i / kSteps.size();
    bounds[i] =
        std::llround(kSteps[i % kSteps.size()] * std::pow(10.0, 3.0 + static_cast<double>(decade)));
  }
  return bounds;
}

const auto& Bounds() {
  static const auto bounds = MakeBounds<37>();
  return bounds;
}

}  // namespace

std::vector<double> PowersOfTwo(size_t count) {
  std::vector<double> powers;
  for (double power = 1; powers.size() < count; power *= 2) powers.push_back(power);
  return powers;
}

DurationHistogram::DurationHistogram()
    : shards_(std::make_unique<std::array<Shard, kThreadShards>>()) {}

void DurationHistogram::Record(absl::Duration duration) {
  const int64_t ns = std::max<int64_t>(0, absl::ToInt64Nanoseconds(duration));
  const size_t bucket = static_cast<size_t>(std::lower_bound(Bounds().begin(), Bounds().end(), ns) -
                                            Bounds().begin());
  Shard& shard = (*shards_)[ThreadShard()];
  shard.buckets[bucket].fetch_add(1, std::memory_order_relaxed);
  shard.sum_ns.fetch_add(static_cast<uint64_t>(ns), std::memory_order_relaxed);
}

HistogramSnapshot DurationHistogram::Snapshot() const {
  HistogramSnapshot snapshot;
  for (const int64_t bound : Bounds()) snapshot.bounds.push_back(static_cast<double>(bound) / 1e9);
  snapshot.buckets.assign(kBounds + 1, 0);
  for (const Shard& shard : *shards_) {
    for (size_t i = 0; i <= kBounds; ++i) {
      snapshot.buckets[i] += shard.buckets[i].load(std::memory_order_relaxed);
    }
    snapshot.sum += static_cast<double>(shard.sum_ns.load(std::memory_order_relaxed)) * 1e-9;
  }
  return snapshot;
}

}  // namespace souvenir
