#include "compute-service/compute_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
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

TEST(CheckComputeConfigTest, RefusesBuffersThatHoldTooFewMessages) {
  config::v1::ComputeConfig config = DefaultComputeConfig();
  config.mutable_connections()->set_max_buffer_bytes(1);
  EXPECT_THAT(std::string(CheckComputeConfig(config).message()),
              HasSubstr("connections.max_buffer_bytes is 1"));
}

TEST(DefaultComputeConfigTest, IsWhatTheDocumentSays) {
  size_t compared = 0;
  for (const auto& [setting, value] :
       DocumentedDefaults(SOUVENIR_CONFIGURATION_PAGE, "souvenir-compute")) {
    const std::optional<std::string> ours = DocumentedForm(DefaultComputeConfig(), setting);
    // A default that the program works out is described in words.
    const bool in_words = value.empty() || value == "none" || value.find(' ') != std::string::npos;
    if (!ours || in_words) continue;
    EXPECT_EQ(*ours, value) << setting;
    ++compared;
  }
  EXPECT_GE(compared, 15u);
}

}  // namespace
}  // namespace souvenir::compute
