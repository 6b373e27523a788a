#include "cli/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace souvenir::cli {
namespace {

using ::testing::HasSubstr;

TEST(ParseTimeoutTest, TakesSecondsOrAUnit) {
  EXPECT_EQ(*ParseTimeout("30"), absl::Seconds(30));
  EXPECT_EQ(*ParseTimeout("2.5"), absl::Milliseconds(2500));
  EXPECT_EQ(*ParseTimeout("500ms"), absl::Milliseconds(500));
  EXPECT_EQ(*ParseTimeout("1m30s"), absl::Seconds(90));
}

TEST(ParseTimeoutTest, RefusesWhatIsNoTimeAndSaysWhatItExpected) {
  for (const char* text : {"", "soon", "5 parsecs", "1e"}) {
    const auto timeout = ParseTimeout(text);
    ASSERT_FALSE(timeout.ok()) << text;
    EXPECT_THAT(std::string(timeout.status().message()), HasSubstr(text));
    EXPECT_THAT(std::string(timeout.status().message()), HasSubstr("expected"));
  }
}

TEST(ParseTimeoutTest, RefusesWhatNoDeadlineCanBe) {
  for (const char* text : {"0", "-1", "-5ms", "nan", "inf", "1e300", "25h"}) {
    EXPECT_FALSE(ParseTimeout(text).ok()) << text;
  }
}

}  // namespace
}  // namespace souvenir::cli
