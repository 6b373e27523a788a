#include "common/grpc/rpc_entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "common/logging/logging.h"
#include "tests/fakes/manual_clock.h"

namespace souvenir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RpcEntryTest : public ::testing::Test {
 protected:
  // Ends the call and returns its lines of log.
  std::string EndLogged(RpcCall& call, const absl::Status& status) {
    testing::internal::CaptureStderr();
    (void)call.End(status, [&] { return RpcCall::Notes{.fields = {{"model", "en-es"}}}; });
    return testing::internal::GetCapturedStderr();
  }

  bool IsDrained() { return entry_.Drain(clock_.Monotonic()); }

  ManualClock clock_;
  RpcEntry entry_{
      {.metrics_prefix = "test", .name = "tester", .slow = absl::Seconds(1), .clock = &clock_}};
  RpcMethodMetrics* const method_ = entry_.Method("Ask");
};

TEST_F(RpcEntryTest, ACallIsInsideUntilItEnds) {
  RpcCall call(&entry_, method_);
  EXPECT_TRUE(call.admitted().ok());
  EXPECT_EQ(entry_.calls(), 1u);
  EXPECT_EQ(entry_.metrics().active(), 1u);
  entry_.Close();
  EXPECT_FALSE(IsDrained());
  EXPECT_TRUE(call.End(absl::OkStatus(), [] { return RpcCall::Notes{}; }).ok());
  EXPECT_TRUE(IsDrained());
  EXPECT_EQ(entry_.metrics().active(), 0u);
}

TEST_F(RpcEntryTest, ACallThatComesAfterTheCloseIsRefusedAndCounted) {
  entry_.Close();
  RpcCall call(&entry_, method_);
  EXPECT_EQ(call.admitted(), absl::UnavailableError("the tester is stopping"));
  EXPECT_EQ(entry_.metrics().active(), 1u);
  EXPECT_TRUE(IsDrained());
  EXPECT_EQ(call.End(call.admitted(), [] { return RpcCall::Notes{}; }).error_code(),
            grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(entry_.metrics().active(), 0u);
}

TEST_F(RpcEntryTest, AFailureOfTheServiceIsLoggedWithItsNotes) {
  RpcCall call(&entry_, method_);
  EXPECT_THAT(EndLogged(call, absl::InternalError("broken")),
              AllOf(HasSubstr("Ask"), HasSubstr("INTERNAL"), HasSubstr("en-es")));
}

TEST_F(RpcEntryTest, AFailureOfTheCallerAndAFastAnswerAreNotLogged) {
  RpcCall wrong(&entry_, method_);
  EXPECT_THAT(EndLogged(wrong, absl::InvalidArgumentError("wrong")), IsEmpty());
  RpcCall fast(&entry_, method_);
  EXPECT_THAT(EndLogged(fast, absl::OkStatus()), IsEmpty());
}

TEST_F(RpcEntryTest, ASlowAnswerIsLogged) {
  RpcCall call(&entry_, method_);
  clock_.Advance(absl::Seconds(2));
  EXPECT_THAT(EndLogged(call, absl::OkStatus()), HasSubstr("2000"));
}

TEST_F(RpcEntryTest, ACallWhoseCallerHasGoneCountsByHowItWent) {
  RpcCall late(&entry_, method_);
  clock_.Advance(absl::Seconds(10));
  EXPECT_EQ(late.CallerHasGone(clock_.Monotonic()).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(late.Counted(absl::OkStatus()).code(), absl::StatusCode::kDeadlineExceeded);
  // The RPC still ends with its own status, which nobody receives.
  EXPECT_TRUE(late.End(absl::OkStatus(), [] { return RpcCall::Notes{}; }).ok());

  RpcCall cancelled(&entry_, method_);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(cancelled.CallerHasGone(absl::InfiniteDuration()).code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(cancelled.Counted(absl::InternalError("x")).code(), absl::StatusCode::kCancelled);
  (void)cancelled.End(absl::OkStatus(), [] { return RpcCall::Notes{}; });
}

}  // namespace
}  // namespace souvenir
