#include "common/config/text_proto.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "souvenir/config/v1/gateway.pb.h"

namespace souvenir {
namespace {

namespace fs = std::filesystem;

using config::v1::GatewayConfig;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string Refusal(const std::string& text) {
  GatewayConfig config;
  const absl::Status status = ParseTextProto(text, "f.cfg", &config);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(status.message());
}

TEST(TextProtoTest, Reads) {
  GatewayConfig config;
  const absl::Status status = ParseTextProto(
      "# a comment\nlisten_address: \"a:1\"\nmemory { shards: 4 }\n"
      "models { key: \"m\" value { cache: true } }\n"
      "models { key: \"n\" value { cache: false } }\n",
      "f.cfg", &config);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(config.listen_address(), "a:1");
  EXPECT_EQ(config.memory().shards(), 4u);
  EXPECT_EQ(config.models().size(), 2u);
}

TEST(TextProtoTest, SaysWhereAndWhatIsWrong) {
  EXPECT_THAT(Refusal("\n  no_such: 1"), StartsWith("f.cfg:2:10: "));
  EXPECT_THAT(Refusal("\n  no_such: 1"), HasSubstr("no_such"));
  EXPECT_THAT(Refusal("memory { shards: \"x\" }"), StartsWith("f.cfg:1:"));
  EXPECT_THAT(Refusal("memory { shards: 1\n"), StartsWith("f.cfg:2:"));
  EXPECT_THAT(Refusal("listen_address: \"a\"\nlisten_address: \"b\""), StartsWith("f.cfg:2:"));
}

TEST(TextProtoTest, RefusesAMapKeyThatIsGivenTwice) {
  const std::string message = Refusal(
      "models { key: \"m\" value { cache: true } }\nmodels { key: \"m\" value { cache: false } "
      "}\n");
  EXPECT_THAT(message, StartsWith("f.cfg:2:"));
  EXPECT_THAT(message, HasSubstr("the key \"m\" of 'models'"));
}

class TextProtoFileTest : public ::testing::Test {
 protected:
  TextProtoFileTest() {
    std::string name = (fs::path(::testing::TempDir()) / "text_proto.XXXXXX").string();
    directory_ = mkdtemp(name.data());
  }
  ~TextProtoFileTest() override { fs::remove_all(directory_); }

  fs::path directory_;
};

TEST_F(TextProtoFileTest, ReadsBackWhatItWrote) {
  const std::string path = (directory_ / "config").string();
  GatewayConfig written;
  written.set_listen_address("a \"quoted\" one:1");
  written.mutable_memory()->set_limit_bytes(1ull << 40);
  ASSERT_TRUE(WriteTextProto(path, written).ok());
  GatewayConfig read;
  read.set_admin_address("what was there before");
  ASSERT_TRUE(ReadTextProto(path, &read).ok());
  EXPECT_EQ(read.SerializeAsString(), written.SerializeAsString());
  // No temporary file is left.
  EXPECT_EQ(std::distance(fs::directory_iterator(directory_), fs::directory_iterator()), 1);
}

TEST_F(TextProtoFileTest, AFileThatIsNotThereIsNotFound) {
  GatewayConfig config;
  const std::string path = (directory_ / "absent").string();
  const absl::Status status = ReadTextProto(path, &config);
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path));
}

TEST_F(TextProtoFileTest, ADirectoryInPlaceOfAFileIsAnError) {
  GatewayConfig config;
  config.set_listen_address("before");
  const absl::Status status = ReadTextProto(directory_.string(), &config);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr("cannot read " + directory_.string() + ": it is a directory"));
  EXPECT_EQ(config.listen_address(), "before");
}

TEST_F(TextProtoFileTest, AWriteThatFailsLeavesWhatWasThere) {
  const std::string path = (directory_ / "config").string();
  ASSERT_TRUE(WriteTextProto(path, GatewayConfig()).ok());
  fs::create_directory(path + ".new");  // prevents the temporary file
  GatewayConfig config;
  config.set_listen_address("new");
  EXPECT_FALSE(WriteTextProto(path, config).ok());
  ASSERT_TRUE(ReadTextProto(path, &config).ok());
  EXPECT_EQ(config.listen_address(), "");
}

}  // namespace
}  // namespace souvenir
