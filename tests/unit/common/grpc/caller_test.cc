#include "common/grpc/caller.h"

#include <gtest/gtest.h>

namespace souvenir {
namespace {

constexpr absl::Duration kBegun = absl::Seconds(1000);

absl::StatusCode Gone(absl::Duration timeout, absl::Duration after) {
  return CallerGone({kBegun, kBegun + timeout}, kBegun + after).code();
}

TEST(CallerGoneTest, WhoGoesAtTheDeadlineOrAfterItHasWaitedForAsLongAsItWanted) {
  EXPECT_EQ(Gone(absl::Seconds(1), absl::Seconds(1)), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Gone(absl::Seconds(1), absl::Seconds(2)), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Gone(absl::ZeroDuration(), absl::ZeroDuration()), absl::StatusCode::kDeadlineExceeded);
}

// gRPC sends a timeout rounded up: 12.34 s as 12.4 s.
TEST(CallerGoneTest, ALittleBeforeTheDeadlineIsTheDeadlineAsTheCallerCounts) {
  EXPECT_EQ(Gone(absl::Milliseconds(12'400), absl::Milliseconds(12'340)),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Gone(absl::Milliseconds(100), absl::Milliseconds(79)),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(Gone(absl::Milliseconds(10), absl::Milliseconds(5)),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(CallerGoneTest, WhoGoesBeforeHasChangedItsMind) {
  EXPECT_EQ(Gone(absl::Seconds(10), absl::Seconds(9)), absl::StatusCode::kCancelled);
  EXPECT_EQ(Gone(absl::Milliseconds(100), absl::Milliseconds(77)), absl::StatusCode::kCancelled);
  EXPECT_EQ(Gone(absl::Milliseconds(10), absl::Milliseconds(4)), absl::StatusCode::kCancelled);
}

TEST(CallerGoneTest, WithoutADeadlineNoneHasPassed) {
  EXPECT_EQ(CallerGone({kBegun}, kBegun + absl::Hours(24)).code(), absl::StatusCode::kCancelled);
}

}  // namespace
}  // namespace souvenir
