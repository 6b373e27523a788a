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

TEST(AddressTest, ReplacesThePort) {
  EXPECT_EQ(WithPort("127.0.0.1:0", 4711), "127.0.0.1:4711");
  EXPECT_EQ(WithPort("[::1]:0", 80), "[::1]:80");
}

}  // namespace
}  // namespace souvenir
