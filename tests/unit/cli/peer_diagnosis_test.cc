#include "cli/peer_diagnosis.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <thread>

#include "tests/unit/cli/fake_gateway.h"

namespace souvenir::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Listens on a port of its own. Waits for the first bytes on each of the next `connections`, sends
// `words`, which may be empty, and closes the connection.
class Speaker {
 public:
  Speaker(std::string words, int connections) : words_(std::move(words)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at = {};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    address_ = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    thread_ = std::thread([this, connections] {
      for (int i = 0; i < connections; ++i) Answer();
    });
  }
  ~Speaker() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }

  const std::string& address() const { return address_; }

 private:
  void Answer() {
    const int connection = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) return;
    char greeting[256];
    if (recv(connection, greeting, sizeof(greeting), 0) > 0) {
      send(connection, words_.data(), words_.size(), MSG_NOSIGNAL);
    }
    close(connection);
  }

  const std::string words_;
  int listener_ = -1;
  std::string address_;
  std::thread thread_;
};

std::string ReasonOf(const std::string& address) {
  return DiagnosePeer(address, absl::Seconds(5)).value_or(Diagnosis()).reason;
}

TEST(PeerDiagnosisTest, TellsANameThatIsUnknown) {
  // No name below .invalid exists (RFC 6761). Without a name server the resolver cannot tell that.
  EXPECT_THAT(ReasonOf("no-such-host.invalid:8001"), HasSubstr("'no-such-host.invalid'"));
}

TEST(PeerDiagnosisTest, TellsAPortThatIsClosed) {
  EXPECT_THAT(ReasonOf("127.0.0.1:1"), HasSubstr("nothing listens there"));
}

TEST(PeerDiagnosisTest, TellsHttpOfTheFirstVersion) {
  const Speaker metrics("HTTP/1.1 400 Bad Request\r\n\r\n", 1);
  const std::optional<Diagnosis> diagnosis = DiagnosePeer(metrics.address(), absl::Seconds(5));
  ASSERT_TRUE(diagnosis.has_value());
  EXPECT_THAT(diagnosis->reason, HasSubstr("HTTP/1"));
  EXPECT_THAT(diagnosis->advice, HasSubstr("8002"));
}

TEST(PeerDiagnosisTest, TellsTls) {
  const Speaker alert(std::string("\x15\x03\x03\x00\x02\x02\x46", 7), 1);
  EXPECT_THAT(ReasonOf(alert.address()), HasSubstr("TLS"));
}

TEST(PeerDiagnosisTest, TellsAnotherProtocolByWhatItSays) {
  const Speaker ssh("SSH-2.0-OpenSSH_9.2\x1b\r\n", 2);
  EXPECT_THAT(ReasonOf(ssh.address()), HasSubstr("'SSH-2.0-OpenSSH_9.2\\x1b'"));
}

TEST(PeerDiagnosisTest, TellsAnHttp2ServerThatEndsConnections) {
  const Speaker stopping(std::string("\0\0\0\4\0\0\0\0\0", 9), 1);
  EXPECT_THAT(ReasonOf(stopping.address()), HasSubstr("speaks HTTP/2"));
}

TEST(PeerDiagnosisTest, TellsAConnectionThatIsEndedWithoutAWord) {
  const Speaker rude("", 2);
  EXPECT_THAT(ReasonOf(rude.address()), HasSubstr("without a word"));
}

TEST(PeerDiagnosisTest, BlamesNobodyIfTheLimitIsTooShortToFindOut) {
  const Speaker silent("", 0);
  EXPECT_FALSE(DiagnosePeer(silent.address(), absl::Microseconds(100)).has_value());
  EXPECT_FALSE(DiagnosePeer(silent.address(), absl::Milliseconds(20)).has_value());
}

TEST(PeerDiagnosisTest, FindsNothingWrongWithAServerOfGrpc) {
  FakeCompute compute;
  ASSERT_TRUE(compute.started());
  EXPECT_FALSE(DiagnosePeer(compute.address(), absl::Microseconds(100)).has_value());
  EXPECT_FALSE(DiagnosePeer(compute.address(), absl::Milliseconds(20)).has_value());
}

TEST(PeerDiagnosisTest, ANumericHostIsNotLookedUp) {
  for (const char* address : {"127.0.0.1:1", "[::1]:1"}) {
    const auto diagnosis = DiagnosePeer(address, absl::ZeroDuration());
    EXPECT_THAT(diagnosis.value_or(Diagnosis()).reason, Not(HasSubstr("name"))) << address;
  }
}

TEST(PeerDiagnosisTest, OnlyHostAndPortAreDiagnosed) {
  EXPECT_FALSE(DiagnosePeer("unix:/nowhere", absl::Seconds(5)).has_value());
}

}  // namespace
}  // namespace souvenir::cli
