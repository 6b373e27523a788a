#include "common/logging/logging.h"

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

constinit Logger pool_log{"pool"};
constinit Logger cache_log{"cache"};

std::string Message(const absl::Status& status) { return std::string(status.message()); }

class LoggingTest : public ::testing::Test {
 protected:
  ~LoggingTest() override { EXPECT_TRUE(InitLogging({}).ok()); }

  // Returns the lines that both modules write if each logs at debug.
  static std::string DebugLines() {
    testing::internal::CaptureStderr();
    pool_log.Debug("from the pool", {{"depth", 3}});
    cache_log.Debug("from the cache");
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LoggingTest, AModuleMayTellMoreThanTheRest) {
  ASSERT_TRUE(InitLogging({.format = "text"}).ok());
  EXPECT_THAT(DebugLines(), IsEmpty());
  EXPECT_FALSE(pool_log.Writes(LogLevel::kDebug));

  ASSERT_TRUE(SetLogLevels({.levels = {{"pool", "debug"}}}).ok());
  EXPECT_TRUE(pool_log.Writes(LogLevel::kDebug));
  EXPECT_THAT(DebugLines(),
              AllOf(HasSubstr("pool: from the pool depth=3"), Not(HasSubstr("cache"))));

  ASSERT_TRUE(SetLogLevels({.level = "debug", .levels = {{"pool", "off"}}}).ok());
  EXPECT_THAT(DebugLines(), AllOf(HasSubstr("cache: from the cache"), Not(HasSubstr("pool"))));

  ASSERT_TRUE(SetLogLevels({}).ok());
  EXPECT_THAT(DebugLines(), IsEmpty());
}

TEST_F(LoggingTest, AFieldCanNeitherBeginALineNorSteerATerminal) {
  const std::string field = "a\nerror cache: forged \x1b[2J\r\t\x7f";
  ASSERT_TRUE(InitLogging({.format = "text"}).ok());
  testing::internal::CaptureStderr();
  pool_log.Error("a line", {{"reason", field}});
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_THAT(lines, HasSubstr("a line reason=a\\nerror cache: forged \\x1b[2J\\r\\t\\x7f\n"));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 1);
}

TEST_F(LoggingTest, WrongWordsAreNamedAndChangeNothing) {
  ASSERT_TRUE(SetLogLevels({.levels = {{"pool", "debug"}}}).ok());
  EXPECT_THAT(Message(SetLogLevels({.level = "loud"})),
              AllOf(HasSubstr("loud"), HasSubstr("info")));
  EXPECT_THAT(Message(SetLogLevels({.levels = {{"pool", "loud"}}})), HasSubstr("loud"));
  EXPECT_THAT(Message(SetLogLevels({.levels = {{"swimming", "info"}}})),
              AllOf(HasSubstr("swimming"), HasSubstr("pool")));
  EXPECT_THAT(Message(InitLogging({.format = "xml"})), AllOf(HasSubstr("xml"), HasSubstr("json")));
  EXPECT_TRUE(pool_log.Writes(LogLevel::kDebug));
  EXPECT_FALSE(cache_log.Writes(LogLevel::kDebug));
}

TEST_F(LoggingTest, APlaceLogsSoManyLinesASecondAndThenHowManyWereLeftOut) {
  ASSERT_TRUE(InitLogging({.format = "text"}).ok());
  ManualClock clock;
  LogLimit limit(3, &clock);
  const auto lines = [&limit](int times) {
    testing::internal::CaptureStderr();
    for (int i = 0; i < times; ++i) pool_log.Warning(limit, "again", {{"number", i}});
    return testing::internal::GetCapturedStderr();
  };
  const std::string flood = lines(1000);
  EXPECT_EQ(std::count(flood.begin(), flood.end(), '\n'), 3);
  EXPECT_THAT(flood, AllOf(HasSubstr("again number=2"), Not(HasSubstr("left_out"))));
  EXPECT_THAT(lines(1), IsEmpty());
  clock.Advance(absl::Seconds(1));
  EXPECT_THAT(lines(1), HasSubstr("again number=0 left_out=998"));
  EXPECT_THAT(lines(1), Not(HasSubstr("left_out")));
}

TEST(LogLimitTest, ABurstIsAllowedAfterAPauseAndTheRateForLonger) {
  ManualClock clock;
  LogLimit limit(10, &clock, /*burst=*/200);
  uint64_t left_out = 0;
  const auto allowed = [&] {
    int lines = 0;
    while (lines < 1000 && limit.Allows(&left_out)) ++lines;
    return lines;
  };
  EXPECT_EQ(allowed(), 200);
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(allowed(), 10);
  EXPECT_EQ(allowed(), 0);
  clock.Advance(absl::Seconds(20));
  EXPECT_EQ(allowed(), 200);
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(allowed(), 200);
}

TEST_F(LoggingTest, ALineThatIsNotWrittenAnywayIsNotLeftOut) {
  ASSERT_TRUE(InitLogging({.level = "error", .format = "text"}).ok());
  ManualClock clock;
  LogLimit limit(1, &clock);
  pool_log.Warning(limit, "not written");
  testing::internal::CaptureStderr();
  pool_log.Error(limit, "written");
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              AllOf(HasSubstr("written"), Not(HasSubstr("left_out"))));
}

}  // namespace
}  // namespace souvenir
