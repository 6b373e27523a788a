#include "common/metrics/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <thread>
#include <vector>

#include "common/metrics/sharded_counter.h"

namespace souvenir {
namespace {

uint64_t CountOf(const HistogramSnapshot& snapshot) {
  return std::accumulate(snapshot.buckets.begin(), snapshot.buckets.end(), uint64_t{0});
}

TEST(DurationHistogramTest, HasBoundsFromAMicrosecondToAQuarterOfAnHour) {
  const HistogramSnapshot snapshot = DurationHistogram().Snapshot();
  ASSERT_EQ(snapshot.bounds.size(), 37u);
  EXPECT_EQ(snapshot.buckets.size(), 38u);
  EXPECT_TRUE(std::is_sorted(snapshot.bounds.begin(), snapshot.bounds.end()));
  EXPECT_DOUBLE_EQ(snapshot.bounds.front(), 1e-6);
  EXPECT_DOUBLE_EQ(snapshot.bounds[4], 1e-5);
  EXPECT_DOUBLE_EQ(snapshot.bounds.back(), 1000);
  EXPECT_EQ(snapshot.sum, 0);
}

TEST(DurationHistogramTest, PutsADurationUnderItsUpperBound) {
  DurationHistogram histogram;
  histogram.Record(absl::Seconds(-1));        // counts as 0
  histogram.Record(absl::Microseconds(1));    // a bound belongs to its bucket
  histogram.Record(absl::Nanoseconds(1001));  // the next one
  histogram.Record(absl::Hours(1));           // beyond the last bound
  const HistogramSnapshot snapshot = histogram.Snapshot();
  EXPECT_EQ(snapshot.buckets[0], 2u);
  EXPECT_EQ(snapshot.buckets[1], 1u);
  EXPECT_EQ(snapshot.buckets.back(), 1u);
  EXPECT_EQ(CountOf(snapshot), 4u);
  EXPECT_NEAR(snapshot.sum, 3600.000002, 1e-6);
}

TEST(DurationHistogramTest, LosesNothingBetweenThreads) {
  DurationHistogram histogram;
  ShardedCounter counter;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        histogram.Record(absl::Microseconds(i));
        counter.Add(2);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(CountOf(histogram.Snapshot()), 40'000u);
  EXPECT_EQ(counter.Sum(), 80'000u);
}

}  // namespace
}  // namespace souvenir
