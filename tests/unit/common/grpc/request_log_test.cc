#include "common/grpc/request_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/fakes/manual_clock.h"

namespace souvenir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RequestLogTest : public ::testing::Test {
 protected:
  RequestLogTest() { EXPECT_TRUE(InitLogging({.format = "text"}).ok()); }
  ~RequestLogTest() override { EXPECT_TRUE(InitLogging({}).ok()); }

  // Returns the log lines of a request.
  std::string LinesOf(grpc::StatusCode code, absl::Duration took, int times = 1) {
    testing::internal::CaptureStderr();
    for (int i = 0; i < times; ++i) {
      if (log_.Wants(code, took)) {
        log_.Write({.method = "Ask", .code = code, .took = took, .trace = trace_}, {{"rows", 3}});
      }
    }
    return testing::internal::GetCapturedStderr();
  }

  ManualClock clock_;
  TraceContext trace_;
  RequestLog log_{absl::Seconds(1), &clock_};
};

TEST_F(RequestLogTest, OnlyWhatWasSlowOrFailedHasALine) {
  EXPECT_THAT(LinesOf(grpc::StatusCode::OK, absl::Milliseconds(999)), IsEmpty());
  EXPECT_THAT(LinesOf(grpc::StatusCode::INVALID_ARGUMENT, absl::Milliseconds(1)), IsEmpty());
  EXPECT_THAT(LinesOf(grpc::StatusCode::OK, absl::Milliseconds(1500)),
              AllOf(HasSubstr("warning"), HasSubstr("request was slow method=Ask code=OK "),
                    HasSubstr("total_ms=1500"), HasSubstr("rows=3")));
  EXPECT_THAT(LinesOf(grpc::StatusCode::INTERNAL, absl::Milliseconds(1)),
              AllOf(HasSubstr("warning"), HasSubstr("request failed method=Ask code=INTERNAL")));
}

TEST_F(RequestLogTest, ADeadlineAndAFullQueueAreFailuresAndACallersWishIsNot) {
  for (const grpc::StatusCode code :
       {grpc::StatusCode::DEADLINE_EXCEEDED, grpc::StatusCode::RESOURCE_EXHAUSTED,
        grpc::StatusCode::ABORTED, grpc::StatusCode::UNAVAILABLE}) {
    EXPECT_THAT(LinesOf(code, absl::Milliseconds(1)), HasSubstr("request failed"));
  }
  EXPECT_THAT(LinesOf(grpc::StatusCode::CANCELLED, absl::Milliseconds(1)), IsEmpty());
}

TEST_F(RequestLogTest, ADetailHasAFieldOfItsOwn) {
  testing::internal::CaptureStderr();
  log_.Write({.method = "Ask",
              .code = grpc::StatusCode::UNAVAILABLE,
              .took = absl::Milliseconds(1),
              .trace = trace_,
              .detail = "compute at 10.0.0.1:8011"},
             {});
  EXPECT_THAT(testing::internal::GetCapturedStderr(), HasSubstr("detail=compute at 10.0.0.1:8011"));
}

TEST_F(RequestLogTest, AtDebugEveryRequestHasOne) {
  ASSERT_TRUE(SetLogLevels({.levels = {{"request", "debug"}}}).ok());
  EXPECT_THAT(LinesOf(grpc::StatusCode::OK, absl::Milliseconds(1)),
              AllOf(HasSubstr("debug"), HasSubstr("request: request method=Ask code=OK")));
}

TEST_F(RequestLogTest, NothingIsTooSlowWhereThereIsNoLimit) {
  RequestLog unlimited(absl::ZeroDuration(), &clock_);
  EXPECT_FALSE(unlimited.Wants(grpc::StatusCode::OK, absl::Hours(1)));
}

TEST_F(RequestLogTest, SaysWhoseItWas) {
  trace_.Take("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  trace_.Take("x-request-id", "order-7");
  EXPECT_THAT(LinesOf(grpc::StatusCode::OK, absl::Seconds(2)),
              AllOf(HasSubstr("trace_id=0af7651916cd43dd8448eb211c80319c"),
                    HasSubstr("request_id=order-7")));
}

TEST_F(RequestLogTest, TenWarningsASecondAndThenHowManyWereLeftOut) {
  const std::string flood = LinesOf(grpc::StatusCode::OK, absl::Seconds(2), 25);
  EXPECT_EQ(std::count(flood.begin(), flood.end(), '\n'), 10);
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(LinesOf(grpc::StatusCode::OK, absl::Seconds(2)), HasSubstr("left_out=15"));
  EXPECT_THAT(LinesOf(grpc::StatusCode::OK, absl::Seconds(2)), Not(HasSubstr("left_out")));
}

}  // namespace
}  // namespace souvenir
