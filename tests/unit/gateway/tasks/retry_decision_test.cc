#include "gateway/tasks/retry_decision.h"

#include <gtest/gtest.h>

#include <string>

namespace souvenir::gateway {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1000);

Outcome Decide(const absl::Status& status, const ClaimedStep& step, const RetryPolicy& retry = {}) {
  return OutcomeOf(step, {.outputs = status, .retry = retry}, kNow, /*uniform=*/0);
}

TEST(RetryDecision, PausesDoubleUpToTheMostAndJitterOnlyShortensThem) {
  const RetryPolicy policy = {
      .initial_backoff = absl::Seconds(1), .max_backoff = absl::Seconds(10), .jitter = 0.5};
  EXPECT_EQ(PauseAfter(policy, 0, 0), absl::Seconds(1));
  EXPECT_EQ(PauseAfter(policy, 3, 0), absl::Seconds(8));
  EXPECT_EQ(PauseAfter(policy, 4, 0), absl::Seconds(10));
  EXPECT_EQ(PauseAfter(policy, 4'000'000, 0), absl::Seconds(10));
  EXPECT_EQ(PauseAfter(policy, 0, 0.5), absl::Milliseconds(750));
}

TEST(RetryDecision, AttemptsAreCountedByTheKindOfTheError) {
  const absl::Status internal = absl::InternalError("x");
  EXPECT_EQ(Decide(internal, {.failures = 1}).kind, Outcome::Kind::kRetry);
  EXPECT_EQ(Decide(internal, {.failures = 2}).kind, Outcome::Kind::kFailed);
  EXPECT_EQ(Decide(internal, {.failures = 2}).reason, DeadLetterReason::kExhausted);
  EXPECT_EQ(Decide(internal, {.unavailable = 100}).kind, Outcome::Kind::kRetry);

  for (const absl::Status& away :
       {absl::UnavailableError("x"), absl::ResourceExhaustedError("x")}) {
    EXPECT_EQ(Decide(away, {.failures = 2, .unavailable = 19}).kind, Outcome::Kind::kRetry);
    EXPECT_TRUE(Decide(away, {.failures = 2}).was_unavailable);
    EXPECT_EQ(Decide(away, {.unavailable = 20}).kind, Outcome::Kind::kFailed);
    EXPECT_EQ(Decide(away, {}, {.max_unavailable = 0}).kind, Outcome::Kind::kFailed);
  }
}

TEST(RetryDecision, ErrorsThatAnotherAttemptWouldMeetAgainArePermanent) {
  for (const absl::Status& status : {absl::InvalidArgumentError("x"), absl::NotFoundError("x"),
                                     absl::FailedPreconditionError("x"), absl::OutOfRangeError("x"),
                                     absl::PermissionDeniedError("x"),
                                     absl::UnimplementedError("x"), absl::DataLossError("x")}) {
    const Outcome outcome = Decide(status, {});
    EXPECT_EQ(outcome.kind, Outcome::Kind::kFailed) << status;
    EXPECT_EQ(outcome.reason, DeadLetterReason::kPermanent) << status;
  }
  EXPECT_EQ(Decide(absl::DeadlineExceededError("x"), {}).kind, Outcome::Kind::kRetry);
  EXPECT_EQ(Decide(absl::AbortedError("x"), {}).kind, Outcome::Kind::kRetry);
}

TEST(RetryDecision, LongMessagesAreCut) {
  const Outcome outcome = Decide(absl::InternalError(std::string(100'000, 'x')), {});
  EXPECT_LT(outcome.status.message().size(), 3000u);
  EXPECT_EQ(outcome.due, kNow + absl::Seconds(1));
}

TEST(RetryDecision, MessagesAreMadeUtf8) {
  const Outcome outcome = Decide(absl::InternalError("it wrote \xff\xfe, \xc3\xa4 and \xc3"), {});
  EXPECT_EQ(outcome.status.message(), "it wrote \\xff\\xfe, \xc3\xa4 and \\xc3");
}

}  // namespace
}  // namespace souvenir::gateway
