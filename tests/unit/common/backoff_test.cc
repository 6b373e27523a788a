#include "common/backoff.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_clock.h"

namespace souvenir {
namespace {

TEST(BackoffTest, PausesAfterSomeFailuresInARowAndForgetsThemOnSuccess) {
  ManualClock clock;
  Backoff backoff(&clock, {2, absl::Milliseconds(100), absl::Milliseconds(300)});
  EXPECT_EQ(backoff.Remaining(), absl::ZeroDuration());
  backoff.Failed();
  backoff.Failed();
  EXPECT_EQ(backoff.Remaining(), absl::ZeroDuration());
  backoff.Failed();
  EXPECT_EQ(backoff.Remaining(), absl::Milliseconds(100));
  clock.Advance(absl::Milliseconds(60));
  EXPECT_EQ(backoff.Remaining(), absl::Milliseconds(40));
  clock.Advance(absl::Milliseconds(60));
  EXPECT_EQ(backoff.Remaining(), absl::ZeroDuration());
  backoff.Failed();
  EXPECT_EQ(backoff.Remaining(), absl::Milliseconds(200));
  backoff.Failed();
  EXPECT_EQ(backoff.Remaining(), absl::Milliseconds(300));
  EXPECT_EQ(backoff.failures(), 5);
  backoff.Succeeded();
  EXPECT_EQ(backoff.Remaining(), absl::ZeroDuration());
}

}  // namespace
}  // namespace souvenir
