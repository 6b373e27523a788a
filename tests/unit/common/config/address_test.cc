#include "common/config/address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace souvenir {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(AddressTest, AcceptsHostAndPort) {
  for (const char* address : {"127.0.0.1:8011", "localhost:0", "[::1]:65535", "0.0.0.0:1"}) {
    EXPECT_TRUE(CheckAddress("field", address).ok()) << address;
  }
}

TEST(AddressTest, RefusesTheRestByName) {
  for (const char* address : {"", "nowhere", ":1", "a:", "a:b", "a:65536", "a:-1", "a:1x", "::1",
                              "::1:80", "a:99999999999"}) {
    const absl::Status status = CheckAddress("listen_address", address);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << address;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("listen_address"), HasSubstr(address)));
  }
}

absl::Status CheckTwo(const char* listen, const char* admin) {
  return CheckPortsDiffer(
      {{"listen_address", listen}, {"metrics_address", ""}, {"admin_address", admin}});
}

TEST(AddressTest, OnePortForTwoPurposesIsRefusedWithTheNamesOfBoth) {
  EXPECT_EQ(CheckTwo("127.0.0.1:8001", "127.0.0.1:8001").message(),
            "listen_address is '127.0.0.1:8001' and admin_address is '127.0.0.1:8001', which is "
            "the same port; each needs its own");
  for (const char* admin : {"0.0.0.0:8001", "[::]:8001", "localhost:8001"}) {
    EXPECT_FALSE(CheckTwo("127.0.0.1:8001", admin).ok()) << admin;
    EXPECT_FALSE(CheckTwo(admin, "127.0.0.1:8001").ok()) << admin;
  }
  EXPECT_FALSE(CheckTwo("localhost:1", "[::1]:1").ok());
}

TEST(AddressTest, PortsOfDifferentHostsAreDifferentPorts) {
  EXPECT_TRUE(CheckTwo("127.0.0.1:8001", "127.0.0.1:8003").ok());
  EXPECT_TRUE(CheckTwo("127.0.0.1:8001", "127.0.0.2:8001").ok());
  EXPECT_TRUE(CheckTwo("10.0.0.1:8001", "127.0.0.1:8001").ok());
  EXPECT_TRUE(CheckTwo("127.0.0.1:0", "127.0.0.1:0").ok()) << "0 is any free port";
  EXPECT_TRUE(CheckTwo("", "").ok());
}

TEST(AddressTest, ACallOfAnOwnPortIsRecognised) {
  EXPECT_TRUE(LeadsTo("127.0.0.1:8001", "127.0.0.1:8001"));
  EXPECT_TRUE(LeadsTo("localhost:8001", "127.0.0.1:8001"));
  EXPECT_TRUE(LeadsTo("127.0.0.1:8001", "0.0.0.0:8001"));
  EXPECT_FALSE(LeadsTo("compute.example:8001", "0.0.0.0:8001"));
  EXPECT_FALSE(LeadsTo("127.0.0.1:8001", "10.0.0.1:8001"));
  EXPECT_FALSE(LeadsTo("127.0.0.1:8011", "127.0.0.1:8001"));
  EXPECT_FALSE(LeadsTo("127.0.0.1:0", "127.0.0.1:0"));
}

TEST(AddressTest, ReplacesThePort) {
  EXPECT_EQ(WithPort("127.0.0.1:0", 4711), "127.0.0.1:4711");
  EXPECT_EQ(WithPort("[::1]:0", 80), "[::1]:80");
}

}  // namespace
}  // namespace souvenir
