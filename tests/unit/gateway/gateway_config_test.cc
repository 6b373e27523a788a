#include "gateway/gateway_config.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/fakes/documented_defaults.h"

namespace souvenir::gateway {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(ComputeAdminAddressesTest, AreTheDefaultsOfComputeWhereNothingIsSet) {
  EXPECT_THAT(ComputeAdminAddresses(DefaultGatewayConfig()), ElementsAre("127.0.0.1:8013"));
}

TEST(ComputeAdminAddressesTest, FollowWhereComputeIs) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  config.set_compute_address("127.0.0.1:9011");
  EXPECT_THAT(ComputeAdminAddresses(config), ElementsAre("127.0.0.1:9013"));
  config.add_compute_addresses("compute-1.example:8011");
  config.add_compute_addresses("[::1]:7000");
  EXPECT_THAT(ComputeAdminAddresses(config), ElementsAre("compute-1.example:8013", "[::1]:7002"));
  EXPECT_TRUE(CheckGatewayConfig(config).ok());
}

TEST(ComputeAdminAddressesTest, AreThoseThatAreSet) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  config.set_compute_address("127.0.0.1:9011");
  config.mutable_upstream()->set_admin_address("10.0.0.1:5");
  EXPECT_THAT(ComputeAdminAddresses(config), ElementsAre("10.0.0.1:5"));
  config.mutable_upstream()->add_admin_addresses("10.0.0.2:6");
  EXPECT_THAT(ComputeAdminAddresses(config), ElementsAre("10.0.0.2:6"));
}

TEST(ComputeAdminAddressesTest, AreNoneWhereNoneCanBeDerived) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  config.set_compute_address("compute:65534");
  EXPECT_THAT(ComputeAdminAddresses(config), IsEmpty());
  EXPECT_TRUE(CheckGatewayConfig(config).ok());
}

// Compute may listen on the gateway's default port. Two above it is the gateway's own admin port.
TEST(ComputeAdminAddressesTest, AreNeverTheGatewaysOwn) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  config.set_listen_address("0.0.0.0:9001");
  config.set_compute_address("localhost:8001");
  EXPECT_THAT(ComputeAdminAddresses(config), IsEmpty());
  EXPECT_TRUE(CheckGatewayConfig(config).ok());
  config.set_compute_address("another.example:8001");
  EXPECT_THAT(ComputeAdminAddresses(config), ElementsAre("another.example:8003"));
}

TEST(ComputeAdminAddressesTest, AreNoneWhereTheyAreTurnedOff) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  config.mutable_upstream()->set_admin_address("");
  EXPECT_TRUE(CheckGatewayConfig(config).ok());
  EXPECT_THAT(ComputeAdminAddresses(config), IsEmpty());
}

TEST(ComputeAdminAddressesTest, AreSetByTheFieldThatMessagesName) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  EXPECT_EQ(AdminAddressesField(config), "upstream.admin_address");
  config.add_compute_addresses("a:1");
  EXPECT_EQ(AdminAddressesField(config), "upstream.admin_address");
  config.add_compute_addresses("b:1");
  EXPECT_EQ(AdminAddressesField(config), "upstream.admin_addresses");
  config.mutable_upstream()->set_admin_address("");  // loads are off
  EXPECT_EQ(AdminAddressesField(config), "upstream.admin_address");
  config.mutable_upstream()->add_admin_addresses("a:3");
  EXPECT_EQ(AdminAddressesField(config), "upstream.admin_addresses");
}

TEST(CheckGatewayConfigTest, RefusesItsOwnAdminPortForThatOfCompute) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  config.mutable_upstream()->set_admin_address("127.0.0.1:8003");
  const absl::Status status = CheckGatewayConfig(config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(
      std::string(status.message()),
      HasSubstr("upstream.admin_address: 127.0.0.1:8003 is this gateway's own admin_address"));
  config.mutable_upstream()->add_admin_addresses("localhost:8003");
  EXPECT_THAT(std::string(CheckGatewayConfig(config).message()),
              HasSubstr("upstream.admin_addresses: localhost:8003 is this gateway's own"));
  config.mutable_upstream()->clear_admin_addresses();
  config.mutable_upstream()->set_admin_address("nonsense");
  EXPECT_FALSE(CheckGatewayConfig(config).ok());
}

TEST(CheckGatewayConfigTest, RefusesItselfForCompute) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  config.set_compute_address("localhost:8001");
  EXPECT_THAT(std::string(CheckGatewayConfig(config).message()),
              HasSubstr("compute_address: localhost:8001 is this gateway's own listen_address"));
  config.add_compute_addresses("compute:8011");
  config.add_compute_addresses("127.0.0.1:8003");
  EXPECT_THAT(std::string(CheckGatewayConfig(config).message()),
              HasSubstr("compute_addresses: 127.0.0.1:8003 is this gateway's own admin_address"));
}

TEST(CheckGatewayConfigTest, RefusesOnePortForTwoPurposes) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  config.set_metrics_address("127.0.0.1:8003");
  const absl::Status status = CheckGatewayConfig(config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("metrics_address is '127.0.0.1:8003' and admin_address is"));
}

TEST(CheckGatewayConfigTest, RefusesPortZeroOfWhatIsCalled) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  config.set_compute_address("compute:0");
  EXPECT_THAT(std::string(CheckGatewayConfig(config).message()),
              HasSubstr("compute_address is \"compute:0\"; a port from 1 to 65535 is expected"));
  config.add_compute_addresses("compute:8011");
  config.add_compute_addresses("[::1]:0");
  EXPECT_THAT(std::string(CheckGatewayConfig(config).message()),
              HasSubstr("compute_addresses is \"[::1]:0\"; a port from 1"));
  config = DefaultGatewayConfig();
  config.mutable_upstream()->set_admin_address("compute:0");
  EXPECT_THAT(std::string(CheckGatewayConfig(config).message()),
              HasSubstr("upstream.admin_address is \"compute:0\""));
}

TEST(CheckGatewayConfigTest, RefusesAnAddressThatComesTwice) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  for (const char* address : {"a:1", "b:1", "a:1"}) config.add_compute_addresses(address);
  EXPECT_THAT(std::string(CheckGatewayConfig(config).message()),
              HasSubstr("compute_addresses: \"a:1\" came twice"));
}

TEST(CheckGatewayConfigTest, RefusesBuffersThatHoldTooFewMessages) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  config.mutable_connections()->set_max_buffer_bytes(1);
  EXPECT_THAT(std::string(CheckGatewayConfig(config).message()),
              HasSubstr("connections.max_buffer_bytes is 1"));
}

TEST(CheckGatewayConfigTest, ChecksTheSettingsOfJobs) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  config.mutable_disk()->set_directory("/data");
  for (const char* free : {"/data/tasks", "/data/cache-of-jobs", "/var/tasks/"}) {
    config.mutable_tasks()->set_directory(free);
    EXPECT_TRUE(CheckGatewayConfig(config).ok()) << free;
  }
  for (const char* taken : {"/data", "/data/", "/data/./cache", "/data/tasks/../cache/",
                            "/data/cache/tasks", "/data/cache/tasks/"}) {
    config.mutable_tasks()->set_directory(taken);
    EXPECT_THAT(std::string(CheckGatewayConfig(config).message()),
                HasSubstr("which the disk tier uses"))
        << taken;
  }
  config = DefaultGatewayConfig();
  config.mutable_tasks()->set_max_running(0);
  EXPECT_THAT(std::string(CheckGatewayConfig(config).message()),
              HasSubstr("tasks.max_running is 0; it must be a number from 1 to 65536"));
  config = DefaultGatewayConfig();
  config.mutable_tasks()->set_result_ttl_seconds(3'000'000);
  EXPECT_THAT(std::string(CheckGatewayConfig(config).message()),
              HasSubstr("tasks.result_ttl_seconds is 3000000"));
}

// A gRPC server with default settings allows two.
TEST(UpstreamKeepaliveTest, AtMostTwoFallIntoTheLongestCall) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  for (const uint32_t timeout_ms : {60'000u, 600'000u, 25'000u, 1'000u}) {
    config.mutable_upstream()->set_call_timeout_ms(timeout_ms);
    EXPECT_LE(absl::Milliseconds(timeout_ms) / UpstreamKeepalive(config), 2) << timeout_ms;
    EXPECT_GE(UpstreamKeepalive(config), absl::Seconds(10));
  }
  config.mutable_upstream()->set_keepalive_ms(7'000);
  EXPECT_EQ(UpstreamKeepalive(config), absl::Seconds(7));
}

config::v1::GatewayConfig With(const std::string& text) {
  config::v1::GatewayConfig config = DefaultGatewayConfig();
  config::v1::GatewayConfig more;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &more)) << text;
  config.MergeFrom(more);
  return config;
}

TEST(GatewayConfigTest, EachPolicyIsItsOwn) {
  EXPECT_EQ(CacheOptions(With("memory { policy: LRU }")).memory.policy,
            cache::EvictionPolicy::Kind::kLru);
  EXPECT_EQ(CacheOptions(With("memory { policy: S3_FIFO }")).memory.policy,
            cache::EvictionPolicy::Kind::kS3Fifo);
}

TEST(GatewayConfigTest, ANameThatIsNoModelsIsRefused) {
  EXPECT_TRUE(CheckGatewayConfig(With("models { key: \"org/model\" value { cache: true } }")).ok());
  const absl::Status status =
      CheckGatewayConfig(With("models { key: \"a\\nb\" value { cache: true } }"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("models: 'a\\nb' is no name"));
}

TEST(GatewayConfigTest, APolicyThatIsNoneIsRefusedAndNotTakenForAnother) {
  const absl::Status status = CheckGatewayConfig(With("memory { policy: 7 }"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("memory.policy: 7 came"));
  EXPECT_TRUE(CheckGatewayConfig(With("memory { policy: LRU }")).ok());
}

TEST(DefaultGatewayConfigTest, IsWhatTheDocumentSays) {
  ExpectDocumented(DefaultGatewayConfig(), SOUVENIR_CONFIGURATION_PAGE, "souvenir-gateway", 30);
}

}  // namespace
}  // namespace souvenir::gateway
