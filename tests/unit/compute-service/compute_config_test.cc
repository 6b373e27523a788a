#include "compute-service/compute_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/fakes/documented_defaults.h"

namespace souvenir::compute {
namespace {

using ::testing::HasSubstr;

TEST(CheckComputeConfigTest, TheDefaultsPass) {
  EXPECT_EQ(CheckComputeConfig(DefaultComputeConfig()), absl::OkStatus());
}

TEST(CheckComputeConfigTest, RefusesAWorkerDirectoryThatIsNone) {
  config::v1::ComputeConfig config = DefaultComputeConfig();
  for (const char* wrong : {"/nowhere/to/be/found", "/dev/null"}) {
    config.set_worker_directory(wrong);
    const absl::Status status = CheckComputeConfig(config);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(std::string("worker_directory is \"") + wrong));
    EXPECT_THAT(std::string(status.message()), HasSubstr("souvenir-worker-*"));
  }
  config.set_worker_directory("");  // as if the system did not tell where the program is
  EXPECT_TRUE(CheckComputeConfig(config).ok());
}

TEST(CheckComputeConfigTest, RefusesOnePortForTwoPurposes) {
  config::v1::ComputeConfig config = DefaultComputeConfig();
  config.set_admin_address("0.0.0.0:8011");
  EXPECT_EQ(CheckComputeConfig(config).message(),
            "listen_address is '127.0.0.1:8011' and admin_address is '0.0.0.0:8011', which is the "
            "same port; each needs its own");
}

TEST(CheckComputeConfigTest, RefusesBuffersThatHoldTooFewMessages) {
  config::v1::ComputeConfig config = DefaultComputeConfig();
  config.mutable_connections()->set_max_buffer_bytes(1);
  EXPECT_THAT(std::string(CheckComputeConfig(config).message()),
              HasSubstr("connections.max_buffer_bytes is 1"));
}

TEST(CheckComputeConfigTest, RefusesAQueueThatHoldsTooFewMessages) {
  config::v1::ComputeConfig config = DefaultComputeConfig();
  config.set_max_queue_bytes(2 * config.max_message_bytes() - 1);
  EXPECT_THAT(std::string(CheckComputeConfig(config).message()),
              HasSubstr("max_queue_bytes is 33554431"));
  config.set_max_queue_bytes(2 * config.max_message_bytes());
  EXPECT_EQ(CheckComputeConfig(config), absl::OkStatus());
}

TEST(DefaultComputeConfigTest, IsWhatTheDocumentSays) {
  ExpectDocumented(DefaultComputeConfig(), SOUVENIR_CONFIGURATION_PAGE, "souvenir-compute", 15);
}

}  // namespace
}  // namespace souvenir::compute
