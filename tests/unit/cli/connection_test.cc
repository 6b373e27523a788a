#include "cli/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <mutex>
#include <string>
#include <thread>

#include "common/unique_fd.h"
#include "souvenir/v1/stats.grpc.pb.h"
#include "tests/unit/cli/command_line_fixture.h"
#include "tests/unit/cli/fake_gateway.h"

namespace souvenir::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ConnectionTest : public CommandLineTest {};

// A server that takes one connection, with what HTTP/2 needs, and then says nothing more.
class SilentServer {
 public:
  SilentServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at = {};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
    EXPECT_EQ(listen(listener_.get(), 8), 0);
    getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&at), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    thread_ = std::thread([this] { Serve(); });
  }
  ~SilentServer() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  const std::string& address() const { return address_; }

 private:
  void Serve() {
    const UniqueFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    constexpr std::array<char, 9> kSettings = {0, 0, 0, 4, 0, 0, 0, 0, 0};  // an empty frame
    send(connection.get(), kSettings.data(), kSettings.size(), MSG_NOSIGNAL);
    std::array<char, 4096> ignored;
    while (recv(connection.get(), ignored.data(), ignored.size(), 0) > 0) {
    }
  }

  const UniqueFd listener_;
  std::string address_;
  std::thread thread_;
};

// Its machine may have lost power, or a NAT may have forgotten the way to it.
TEST(ConnectionKeepaliveTest, AServerThatFallsSilentIsGivenUp) {
  const SilentServer server;
  Connection connection({.address = server.address(),
                         .timeout = absl::Hours(1),
                         .keepalive = absl::Milliseconds(100),
                         .ping_timeout = absl::Milliseconds(100)},
                        souvenir::v1::StatsService::service_full_name(), Clock::System());
  const auto stub = souvenir::v1::StatsService::NewStub(connection.channel());
  const Outcome outcome = connection.Call([&](grpc::ClientContext* context) {
    souvenir::v1::GetStatsResponse response;
    return stub->GetStats(context, {}, &response);
  });
  EXPECT_EQ(outcome.code, ExitCode::kUnreachable);
  EXPECT_THAT(outcome.message, StartsWith("the connection to " + server.address() + " broke: "));
}

TEST_F(ConnectionTest, AServersErrorIsSaidWithItsCodeAndHarmless) {
  gateway_.translation.status = {grpc::StatusCode::INVALID_ARGUMENT, "text is \x1b]0;x\a long"};
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello"}), 1);
  EXPECT_EQ(err_, "souvenir: INVALID_ARGUMENT: text is \\x1b]0;x\\x07 long\n");
}

TEST_F(ConnectionTest, AMessageStaysInOneLineWhoeverWroteIt) {
  gateway_.translation.status = {grpc::StatusCode::INTERNAL, "broken\r\nsouvenir: all is well\n"};
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello"}), 1);
  EXPECT_EQ(err_, "souvenir: INTERNAL: broken\\r\\nsouvenir: all is well\\n\n");
  EXPECT_EQ(Run({"wea\nther"}), 2);
  EXPECT_THAT(err_, StartsWith("souvenir: unknown command 'wea\\nther'; there are translate"));
  EXPECT_THAT(err_, HasSubstr("\nTry souvenir --help.\n"));
  EXPECT_EQ(Run({"models", "no\nthing"}), 1);
  EXPECT_THAT(err_, StartsWith("souvenir: no model 'no\\nthing'"));
}

TEST_F(ConnectionTest, TheNameOfAServerStaysInTheLineOfTheMessage) {
  FakeCompute compute;
  ASSERT_TRUE(compute.started());
  compute.inference.server.set_name("two\nlines");
  compute.inference.server.set_version("1");
  EXPECT_EQ(RunAsIs({"languages", "--server", compute.address()}), 1);
  EXPECT_THAT(err_, HasSubstr("; it is two\\nlines 1\nA gateway's public port"));
}

TEST_F(ConnectionTest, ComputeBeingAwayIsNotTheGatewayBeingAway) {
  gateway_.translation.status = {grpc::StatusCode::UNAVAILABLE, "compute is away"};
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello"}), 1);
  EXPECT_THAT(err_, HasSubstr("UNAVAILABLE: compute is away"));
}

TEST_F(ConnectionTest, ALateAnswerHasItsOwnExitStatus) {
  const std::lock_guard<std::mutex> hold(gateway_.translation.holds_streams);
  EXPECT_EQ(Run({"--timeout", "1500ms", "translate", "--from", "en", "--to", "es", "Hello"}), 4);
  EXPECT_EQ(err_, "souvenir: no answer came from " + gateway_.address() +
                      " within --timeout 1.5s\n"
                      "A longer --timeout lets it take more time; 24h is the longest.\n");
}

TEST_F(ConnectionTest, ATimeoutThatIsTooShortToConnectBlamesNobody) {
  // gRPC rounds a deadline up to a millisecond, within which an answer may come.
  int late = 0;
  for (int i = 0; i < 50; ++i) {
    if (Run({"infer", "m", "hello", "--timeout", i % 2 == 0 ? "0.0001" : "1ns"}) != 4) continue;
    ++late;
    EXPECT_THAT(err_, StartsWith("souvenir: no answer came from " + gateway_.address() +
                                 " within --timeout "));
  }
  EXPECT_GT(late, 0);
}

TEST_F(ConnectionTest, ALimitOfAModelIsNoTimeoutOfTheCaller) {
  gateway_.translation.status = {grpc::StatusCode::DEADLINE_EXCEEDED,
                                 "model 'm': a row took longer than 10 s"};
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello"}), 1);
  EXPECT_EQ(err_, "souvenir: DEADLINE_EXCEEDED: model 'm': a row took longer than 10 s\n");
}

TEST_F(ConnectionTest, NoServerGivesAHint) {
  std::string address;
  {
    FakeGateway gone;
    ASSERT_TRUE(gone.started());
    address = gone.address();
  }
  EXPECT_EQ(RunAsIs({"languages", "--server", address}), 3);
  EXPECT_THAT(err_, HasSubstr(address));
  EXPECT_THAT(err_, HasSubstr("scripts/serve"));
  EXPECT_EQ(RunAsIs({"cache", "clear", "--yes", "--admin", address}), 3);
  EXPECT_THAT(err_, HasSubstr("--admin"));
  EXPECT_THAT(err_, Not(HasSubstr("was not given")));
}

TEST_F(ConnectionTest, AnAdminPortThatWasDerivedIsSaidToBe) {
  EXPECT_EQ(RunAsIs({"cache", "clear", "--model", "m", "--server", "127.0.0.1:1"}), 3);
  EXPECT_THAT(err_, HasSubstr("no server at 127.0.0.1:3: "));
  EXPECT_THAT(err_, HasSubstr("127.0.0.1:3 was not given: its port is that of --server "
                              "127.0.0.1:1 plus 2.\n"));
}

TEST_F(ConnectionTest, AServerWithoutTheServiceIsNamed) {
  FakeCompute compute;
  ASSERT_TRUE(compute.started());
  compute.inference.server.set_name("souvenir-compute");
  compute.inference.server.set_version("1.2.3");
  EXPECT_EQ(RunAsIs({"languages", "--server", compute.address()}), 1);
  EXPECT_EQ(err_, "souvenir: the server at " + compute.address() +
                      " has no souvenir.v1.TranslationService; it is souvenir-compute 1.2.3\n"
                      "A gateway's public port (127.0.0.1:8001 by default) is named with --server "
                      "HOST:PORT.\n");
  EXPECT_EQ(RunAsIs({"cache", "clear", "--model", "m", "--admin", compute.address()}), 1);
  EXPECT_THAT(err_, HasSubstr("has no souvenir.v1.CacheService"));
  EXPECT_THAT(err_, HasSubstr("--admin HOST:PORT"));
}

// Our own services have their own messages for unsupported requests.
TEST_F(ConnectionTest, AMethodThatRefusesIsNoMissingService) {
  gateway_.translation.status = {grpc::StatusCode::UNIMPLEMENTED, "format: HTML is to come"};
  EXPECT_EQ(Run({"translate", "--from", "en", "--to", "es", "Hello"}), 1);
  EXPECT_EQ(err_, "souvenir: UNIMPLEMENTED: format: HTML is to come\n");
}

TEST_F(ConnectionTest, AnAddressIsHostAndPort) {
  EXPECT_EQ(RunAsIs({"languages", "--server", "http://127.0.0.1:8001"}), 2);
  EXPECT_THAT(err_, HasSubstr("without http://"));
  EXPECT_EQ(RunAsIs({"languages", "--server", "localhost"}), 2);
  EXPECT_THAT(err_, HasSubstr("--server: 'localhost' came, HOST:PORT is expected"));
  EXPECT_THAT(err_, HasSubstr("as in 127.0.0.1:8001"));
  EXPECT_EQ(RunAsIs({"cache", "stats", "--admin", "localhost"}), 2);
  EXPECT_THAT(err_, HasSubstr("--admin: 'localhost' came, HOST:PORT is expected, as in "
                              "127.0.0.1:8003"));
  setenv("SOUVENIR_ADMIN", "localhost", 1);
  EXPECT_EQ(RunAsIs({"cache", "clear", "--yes"}), 2);
  unsetenv("SOUVENIR_ADMIN");
  EXPECT_EQ(RunAsIs({"cache", "clear", "--yes", "--server", "unix:/nowhere"}), 2);
  EXPECT_THAT(err_, HasSubstr("--admin HOST:PORT"));
}

TEST_F(ConnectionTest, TheEnvironmentNamesTheServer) {
  setenv("SOUVENIR_SERVER", gateway_.address().c_str(), 1);
  setenv("SOUVENIR_ADMIN", gateway_.address().c_str(), 1);
  EXPECT_EQ(RunAsIs({"cache", "stats"}), 0);
  EXPECT_EQ(RunAsIs({"cache", "clear", "--model", "m"}), 0);
  unsetenv("SOUVENIR_SERVER");
  unsetenv("SOUVENIR_ADMIN");
}

TEST_F(ConnectionTest, AServerThatIsTypedIsNotClearedAtAnAdminPortOfTheEnvironment) {
  setenv("SOUVENIR_ADMIN", gateway_.address().c_str(), 1);
  EXPECT_NE(
      RunAsIs({"cache", "clear", "--model", "m", "--server", "127.0.0.1:1", "--timeout", "1"}), 0);
  EXPECT_EQ(RunAsIs({"cache", "clear", "--model", "m", "--server", "127.0.0.1:1", "--admin",
                     gateway_.address()}),
            0);
  unsetenv("SOUVENIR_ADMIN");
}

}  // namespace
}  // namespace souvenir::cli
