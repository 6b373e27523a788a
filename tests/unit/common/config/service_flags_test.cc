#include "common/config/service_flags.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "souvenir/config/v1/gateway.pb.h"

namespace souvenir {
namespace {

namespace fs = std::filesystem;

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ServiceFlagsTest : public ::testing::Test {
 protected:
  ServiceFlagsTest() {
    std::string name = (fs::path(::testing::TempDir()) / "flags.XXXXXX").string();
    directory_ = mkdtemp(name.data());
    config_.set_listen_address("127.0.0.1:1");
    config_.set_drain_timeout_seconds(30);
    config_.mutable_memory()->set_limit_bytes(100);
    config_.mutable_memory()->set_shards(16);
    config_.set_trust_tenant_header(false);
    flags_.emplace(ServiceFlags::Options{"souvenir-test", "Serves tests.", "9.8.7"}, &config_);
    flags_->Add("data_dir", "disk.directory", "DIR", "Where the disk tier is.");
    flags_->Add("memory", "memory.limit_bytes", "BYTES", "Size of the memory tier.");
    flags_->Add("servers", "compute_addresses", "HOST:PORT,...", "Where the servers are.");
    flags_->Add("trust", "trust_tenant_header", "BOOL", "Whether the header is believed.");
  }
  ~ServiceFlagsTest() override { fs::remove_all(directory_); }

  // Parses arguments and returns the exit code. out_ and err_ get the output.
  std::optional<int> Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "souvenir-test");
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    const std::optional<int> code =
        flags_->Parse(static_cast<int>(arguments.size()), arguments.data());
    out_ = ::testing::internal::GetCapturedStdout();
    err_ = ::testing::internal::GetCapturedStderr();
    return code;
  }

  std::string WriteFile(const std::string& text) {
    const fs::path path = directory_ / "config";
    std::ofstream(path) << text;
    return path.string();
  }

  fs::path directory_;
  config::v1::GatewayConfig config_;
  std::optional<ServiceFlags> flags_;
  std::string out_;
  std::string err_;
};

TEST_F(ServiceFlagsTest, WithoutArgumentsTheDefaultsStay) {
  const std::string before = config_.DebugString();
  EXPECT_EQ(Parse({}), std::nullopt);
  EXPECT_EQ(config_.DebugString(), before);
  EXPECT_FALSE(flags_->check_config());
  EXPECT_EQ(flags_->config_path(), "");
}

TEST_F(ServiceFlagsTest, FlagsSetFields) {
  EXPECT_EQ(Parse({"--listen=a:1", "--admin", "b:2", "--metrics", "", "--log_level", "debug",
                   "--log_format=json", "--drain_timeout=5", "--data_dir", "/data",
                   "--memory=18446744073709551615", "--trust=true", "--check_config"}),
            std::nullopt)
      << err_;
  EXPECT_EQ(config_.listen_address(), "a:1");
  EXPECT_EQ(config_.admin_address(), "b:2");
  EXPECT_TRUE(config_.has_metrics_address());
  EXPECT_EQ(config_.metrics_address(), "");
  EXPECT_EQ(config_.logging().level(), "debug");
  EXPECT_EQ(config_.logging().format(), "json");
  EXPECT_EQ(config_.drain_timeout_seconds(), 5u);
  EXPECT_EQ(config_.disk().directory(), "/data");
  EXPECT_EQ(config_.memory().limit_bytes(), 18446744073709551615u);
  EXPECT_TRUE(config_.trust_tenant_header());
  EXPECT_TRUE(flags_->check_config());
}

TEST_F(ServiceFlagsTest, DashesAreAsGoodAsUnderscoresInNamesOnly) {
  EXPECT_EQ(Parse({"--data-dir=/a-b", "--log-level", "off"}), std::nullopt) << err_;
  EXPECT_EQ(config_.disk().directory(), "/a-b");
  EXPECT_EQ(config_.logging().level(), "off");
}

TEST_F(ServiceFlagsTest, AnUnknownFlagIsNamedWithTheNearest) {
  EXPECT_EQ(Parse({"--lisen=a:1"}), 2);
  EXPECT_EQ(err_,
            "souvenir-test: unknown flag '--lisen' (did you mean --listen?); see souvenir-test "
            "--help\n");
  EXPECT_EQ(Parse({"--colour"}), 2);
  EXPECT_THAT(err_, HasSubstr("unknown flag '--colour'"));
  EXPECT_EQ(Parse({"start"}), 2);
  EXPECT_THAT(err_, HasSubstr("takes no argument 'start'"));
}

TEST_F(ServiceFlagsTest, AnEmptyValueIsNotTheFlagBehindIt) {
  EXPECT_EQ(Parse({"--metrics=", "--listen=a:1"}), std::nullopt) << err_;
  EXPECT_EQ(config_.metrics_address(), "");
  EXPECT_EQ(config_.listen_address(), "a:1");
}

TEST_F(ServiceFlagsTest, AFlagTakesWhatBelongsToTheFilesValueWithIt) {
  flags_->Add("compute", "compute_address", "HOST:PORT", "Where compute is.",
              {"upstream.admin_address", "upstream.admin_addresses"});
  flags_->Add("compute_admin", "upstream.admin_addresses", "HOST:PORT,...", "Its admin port.");
  const std::string path = WriteFile(
      "compute_address: \"file:1\"\nupstream { admin_address: \"file:3\" admin_addresses: "
      "\"file:4\" poll_interval_ms: 5 }\n");
  EXPECT_EQ(Parse({"--config", path.c_str()}), std::nullopt) << err_;
  EXPECT_EQ(config_.upstream().admin_address(), "file:3");
  EXPECT_EQ(Parse({"--config", path.c_str(), "--compute=flag:1"}), std::nullopt) << err_;
  EXPECT_FALSE(config_.upstream().has_admin_address());
  EXPECT_THAT(config_.upstream().admin_addresses(), ElementsAre());
  EXPECT_EQ(config_.upstream().poll_interval_ms(), 5u);
  EXPECT_EQ(Parse({"--config", path.c_str(), "--compute_admin=flag:3", "--compute=flag:1"}),
            std::nullopt)
      << err_;
  EXPECT_THAT(config_.upstream().admin_addresses(), ElementsAre("flag:3"));
}

TEST_F(ServiceFlagsTest, FlagsWinOverTheFileAndTheFileOverDefaults) {
  const std::string path =
      WriteFile("listen_address: \"file:1\"\ndrain_timeout_seconds: 7\nmemory { shards: 4 }\n");
  EXPECT_EQ(Parse({"--listen=flag:1", "--config", path.c_str()}), std::nullopt) << err_;
  EXPECT_EQ(flags_->config_path(), path);
  EXPECT_EQ(config_.listen_address(), "flag:1");
  EXPECT_EQ(config_.drain_timeout_seconds(), 7u);
  EXPECT_EQ(config_.memory().shards(), 4u);
  EXPECT_EQ(config_.memory().limit_bytes(), 100u);
}

TEST_F(ServiceFlagsTest, WhatIsReadAgainIsTheFileAsItIsNow) {
  const std::string path = WriteFile("drain_timeout_seconds: 1 logging { level: \"debug\" }");
  EXPECT_EQ(Parse({"--listen=flag:1", "--config", path.c_str()}), std::nullopt) << err_;
  WriteFile("logging { levels { key: \"pool\" value: \"debug\" } }");
  config::v1::GatewayConfig again;
  EXPECT_TRUE(flags_->ReadAgain(&again).ok());
  EXPECT_EQ(again.listen_address(), "flag:1");
  EXPECT_EQ(again.drain_timeout_seconds(), 30u);  // the default, because the file has no value now
  EXPECT_EQ(again.logging().level(), "");
  EXPECT_EQ(again.logging().levels().at("pool"), "debug");

  WriteFile("logging {");
  EXPECT_FALSE(flags_->ReadAgain(&again).ok());
  EXPECT_EQ(again.listen_address(), "flag:1");
}

TEST_F(ServiceFlagsTest, AFileThatBecomesADirectoryChangesNothing) {
  const std::string path = WriteFile("drain_timeout_seconds: 1");
  EXPECT_EQ(Parse({"--config", path.c_str()}), std::nullopt) << err_;
  fs::remove(path);
  fs::create_directory(path);
  config::v1::GatewayConfig again = config_;
  const absl::Status status = flags_->ReadAgain(&again);
  EXPECT_THAT(std::string(status.message()), HasSubstr(path + ": it is a directory"));
  EXPECT_EQ(again.drain_timeout_seconds(), 1u);
  EXPECT_EQ(Parse({"--config", path.c_str()}), 2);
  EXPECT_THAT(err_, HasSubstr("it is a directory"));
}

TEST_F(ServiceFlagsTest, SeveralStringsHaveCommasBetweenThemAndReplaceThoseOfTheFile) {
  const std::string path = WriteFile("compute_addresses: 'file:1'\ncompute_addresses: 'file:2'\n");
  EXPECT_EQ(Parse({"--config", path.c_str()}), std::nullopt) << err_;
  EXPECT_THAT(config_.compute_addresses(), ElementsAre("file:1", "file:2"));
  config_.clear_compute_addresses();
  EXPECT_EQ(Parse({"--config", path.c_str(), "--servers=a:1,[::1]:2,,c:3"}), std::nullopt) << err_;
  EXPECT_THAT(config_.compute_addresses(), ElementsAre("a:1", "[::1]:2", "", "c:3"))
      << "whether they make sense is not the flag's to say";
}

TEST_F(ServiceFlagsTest, AWrongFileIsShownItsPlace) {
  const std::string path = WriteFile("\nno_such_field: 1\n");
  EXPECT_EQ(Parse({"--config", path.c_str()}), 2);
  EXPECT_THAT(err_, AllOf(StartsWith(path + ":2:"), HasSubstr("no_such_field")));
  EXPECT_EQ(Parse({"--config", "/nonexistent/file"}), 2);
  EXPECT_THAT(err_, HasSubstr("/nonexistent/file"));
}

TEST_F(ServiceFlagsTest, AWrongFlagIsNamedInOneLine) {
  const std::vector<std::vector<const char*>> kWrong = {
      {"--no_such=1"}, {"stray"}, {"--listen"}, {"--drain_timeout="}, {"--listen=a", "--listen=b"}};
  for (const auto& arguments : kWrong) {
    EXPECT_EQ(Parse(arguments), 2) << arguments[0];
    EXPECT_EQ(std::count(err_.begin(), err_.end(), '\n'), 1) << err_;
    EXPECT_THAT(err_, AllOf(StartsWith("souvenir-test: "), HasSubstr("--help")));
  }
  for (const char* wrong : {"--drain_timeout=x", "--drain_timeout=-1", "--drain_timeout=4294967296",
                            "--drain_timeout=1.5", "--trust=yes"}) {
    EXPECT_EQ(Parse({wrong}), 2) << wrong;
    EXPECT_THAT(err_, HasSubstr("it must be")) << wrong;
  }
}

TEST_F(ServiceFlagsTest, HelpShowsFlagsAndDefaults) {
  EXPECT_EQ(Parse({"--help"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr("Serves tests."), HasSubstr("--data_dir"),
                          HasSubstr("127.0.0.1:1"), HasSubstr("--drain_timeout")));
  EXPECT_EQ(err_, "");
}

TEST_F(ServiceFlagsTest, TheManualPageHasTheExitStatusAndTheSignals) {
  EXPECT_EQ(Parse({"--man"}), 0);
  EXPECT_THAT(out_, AllOf(HasSubstr(".SH EXIT STATUS\n"), HasSubstr(".SH SIGNALS\n"),
                          HasSubstr("  2  the command line or the configuration is wrong\n"),
                          HasSubstr("SIGTERM, SIGINT"), HasSubstr("SIGHUP")));
  EXPECT_EQ(err_, "");
}

TEST_F(ServiceFlagsTest, VersionNamesTheProgram) {
  EXPECT_EQ(Parse({"--version"}), 0);
  EXPECT_EQ(out_, "souvenir-test 9.8.7\n");
}

}  // namespace
}  // namespace souvenir
