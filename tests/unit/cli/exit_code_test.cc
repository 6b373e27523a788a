#include "cli/exit_code.h"

#include <gtest/gtest.h>

namespace souvenir::cli {
namespace {

// Scripts depend on the numbers, so they must not change.
TEST(ExitCodeTest, NumbersStay) {
  EXPECT_EQ(static_cast<int>(ExitCode::kOk), 0);
  EXPECT_EQ(static_cast<int>(ExitCode::kFailed), 1);
  EXPECT_EQ(static_cast<int>(ExitCode::kUsage), 2);
  EXPECT_EQ(static_cast<int>(ExitCode::kUnreachable), 3);
  EXPECT_EQ(static_cast<int>(ExitCode::kDeadline), 4);
}

TEST(ExitCodeTest, OfACallThatWasAnswered) {
  EXPECT_TRUE(OutcomeOf(absl::OkStatus()).ok());
  EXPECT_EQ(OutcomeOf(absl::InvalidArgumentError("long")).code, ExitCode::kFailed);
  // A model reached its own limit; the caller's deadline has not come.
  EXPECT_EQ(OutcomeOf(absl::DeadlineExceededError("late")).code, ExitCode::kFailed);
  // Compute is away, but the gateway is there and said so.
  EXPECT_EQ(OutcomeOf(absl::UnavailableError("away")).code, ExitCode::kFailed);
}

TEST(ExitCodeTest, SaysTheCodeAndTheReason) {
  EXPECT_EQ(OutcomeOf(absl::NotFoundError("no model 'x'")).message, "NOT_FOUND: no model 'x'");
}

}  // namespace
}  // namespace souvenir::cli
