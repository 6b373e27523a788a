#include "gateway/upstream/concurrency_limit.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace souvenir::gateway {
namespace {

// Simulates answers of a server with `instances`, each busy for `run` per call, while as many calls
// are under way as the limit allows. The queue in front of the instances is fair.
void Answer(ConcurrencyLimit* limit, int instances, absl::Duration run, int answers) {
  for (int i = 0; i < answers; ++i) {
    const int under_way = limit->limit();
    const double waiting = std::max(under_way - instances, 0);
    const absl::Duration waited = run * (waiting / instances);
    limit->Record({.under_way = under_way, .took = run + waited, .waited = waited});
  }
}

TEST(ConcurrencyLimitTest, BeginsWithWhatItIsTold) {
  EXPECT_EQ(ConcurrencyLimit({.first = 3}).limit(), 3);
}

TEST(ConcurrencyLimitTest, KeepsOneCallWaitingWhereComputeTells) {
  for (const int instances : {1, 2, 8, 32}) {
    ConcurrencyLimit limit({.first = 2});
    Answer(&limit, instances, absl::Milliseconds(10), 2000);
    EXPECT_GE(limit.limit(), instances) << instances;
    EXPECT_LE(limit.limit(), instances + 3) << instances;
  }
}

TEST(ConcurrencyLimitTest, ComesDownWhenInstancesGo) {
  ConcurrencyLimit limit({.first = 40});
  Answer(&limit, 2, absl::Milliseconds(10), 200);
  EXPECT_LE(limit.limit(), 5);
}

TEST(ConcurrencyLimitTest, AServerThatDoesNotTellIsTriedOutUntilItRefuses) {
  ConcurrencyLimit limit({.first = 2});
  for (int i = 0; i < 2 + 3 + 4 + 5; ++i) {
    limit.Record({.under_way = limit.limit(), .took = absl::Milliseconds(1), .waited = {}});
  }
  EXPECT_GE(limit.limit(), 5) << "one more with as many answers as there are calls";
  EXPECT_LE(limit.limit(), 6);
  limit.RecordRefusal();
  EXPECT_LE(limit.limit(), 3);
}

TEST(ConcurrencyLimitTest, DoesNotGrowWhileItIsNotUsed) {
  ConcurrencyLimit limit({.first = 8});
  for (int i = 0; i < 100; ++i) {
    limit.Record({.under_way = 1, .took = absl::Milliseconds(1), .waited = absl::ZeroDuration()});
  }
  EXPECT_EQ(limit.limit(), 8);
}

TEST(ConcurrencyLimitTest, MovesWithTheInstances) {
  ConcurrencyLimit limit({.first = 2, .most = 5});
  limit.Shift(2);
  EXPECT_EQ(limit.limit(), 4);
  limit.Shift(2);
  EXPECT_EQ(limit.limit(), 5);
  limit.Shift(-3);
  EXPECT_EQ(limit.limit(), 2);
  limit.Shift(-3);
  EXPECT_EQ(limit.limit(), 1);
}

TEST(ConcurrencyLimitTest, IsBounded) {
  ConcurrencyLimit limit({.first = 2, .most = 5});
  Answer(&limit, 100, absl::Milliseconds(10), 500);
  EXPECT_EQ(limit.limit(), 5);
  for (int i = 0; i < 10; ++i) limit.RecordRefusal();
  EXPECT_EQ(limit.limit(), 1);
}

TEST(ConcurrencyLimitTest, ARefusalHalvesIt) {
  ConcurrencyLimit limit({.first = 16});
  limit.RecordRefusal();
  EXPECT_EQ(limit.limit(), 8);
}

TEST(ConcurrencyLimitTest, TimesThatCannotBeChangeNothing) {
  ConcurrencyLimit limit({.first = 4});
  limit.Record({.under_way = 4, .took = absl::ZeroDuration(), .waited = absl::Seconds(1)});
  limit.Record({.under_way = 4, .took = absl::Milliseconds(1), .waited = -absl::Hours(1)});
  EXPECT_GE(limit.limit(), 4);
  EXPECT_LE(limit.limit(), 5);
}

}  // namespace
}  // namespace souvenir::gateway
