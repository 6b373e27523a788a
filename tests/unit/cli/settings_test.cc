#include "cli/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace souvenir::cli {
namespace {

using ::testing::HasSubstr;

// Otherwise `--server other:8001 cache clear` would empty the cache of this machine's gateway.
TEST(SettingsTest, TheAdminPortFollowsTheServer) {
  Settings settings;
  EXPECT_EQ(settings.ToAdmin().address, "127.0.0.1:8003");
  settings.server = "other.example:9001";
  EXPECT_EQ(settings.ToAdmin().address, "other.example:9003");
  settings.server = "[::1]:8001";
  EXPECT_EQ(settings.ToAdmin().address, "[::1]:8003");
  settings.admin = "third.example:5";
  EXPECT_EQ(settings.ToAdmin().address, "third.example:5");
  EXPECT_EQ(AdminAddressOf("other.example:65534"), "");
  EXPECT_EQ(AdminAddressOf("unix:/run/gateway"), "");
}

TEST(WrongAddressTest, TakesWhatGrpcTakesWithAPort) {
  for (const char* address : {"localhost:1", "127.0.0.1:65535", "[::1]:80", "unix:/run/x",
                              "dns:///name:1", "ipv4:127.0.0.1:1"}) {
    EXPECT_EQ(WrongAddress(address, kDefaultServer), "") << address;
  }
  for (const char* address :
       {"localhost", "localhost:", "localhost:http", "::1", "1:99999", "", "https://host:1"}) {
    EXPECT_THAT(WrongAddress(address, kDefaultServer), HasSubstr("HOST:PORT is expected"))
        << address;
  }
}

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
