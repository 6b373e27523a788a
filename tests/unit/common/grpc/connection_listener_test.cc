#include "common/grpc/connection_listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "tests/fakes/manual_clock.h"

namespace souvenir {
namespace {

using ::testing::HasSubstr;

// A connection of a client. IsTaken() can tell once the server has written or closed.
class Client {
 public:
  explicit Client(int port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Client() {
    if (fd_ >= 0) close(fd_);
  }

  // Waits until the server has written or closed. Returns true if it has written.
  bool IsTaken() {
    char byte = 0;
    return recv(fd_, &byte, 1, MSG_PEEK) == 1;
  }

 private:
  int fd_;
};

class ConnectionListenerTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (listener_ != nullptr) listener_->Stop();
    CloseAll();
  }

  void Start(size_t most, size_t most_of_peer) {
    auto listener = ConnectionListener::Create({.address = "127.0.0.1:0",
                                                .max_connections = most,
                                                .max_connections_per_peer = most_of_peer,
                                                .on_connection =
                                                    [this](int, int connection) {
                                                      EXPECT_EQ(write(connection, "x", 1), 1);
                                                      MutexLock lock(&mutex_);
                                                      taken_.push_back(connection);
                                                    },
                                                .on_accepting =
                                                    [this](bool accepting) {
                                                      MutexLock lock(&mutex_);
                                                      accepting_.push_back(accepting);
                                                    },
                                                .clock = &clock_});
    ASSERT_TRUE(listener.ok()) << listener.status();
    listener_ = *std::move(listener);
    listener_->Start();
  }

  Client Connect() { return Client(listener_->port()); }

  // Ends all connections, as gRPC does.
  void CloseAll() {
    MutexLock lock(&mutex_);
    for (const int connection : taken_) close(connection);
    taken_.clear();
  }

  std::vector<bool> accepting() {
    MutexLock lock(&mutex_);
    return accepting_;
  }

  ManualClock clock_;
  Mutex mutex_;
  std::vector<int> taken_ ABSL_GUARDED_BY(mutex_);
  std::vector<bool> accepting_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<ConnectionListener> listener_;
};

TEST_F(ConnectionListenerTest, APeerHasItsPlacesAgainAsSoonAsItsConnectionsAreClosed) {
  Start(10, 2);
  std::vector<Client> clients;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 2; ++i) {
      clients.push_back(Connect());
      EXPECT_TRUE(clients.back().IsTaken());
    }
    EXPECT_FALSE(Connect().IsTaken());
    CloseAll();
    clients.clear();
  }
  EXPECT_EQ(listener_->stats().accepted, 100);
  EXPECT_EQ(listener_->stats().refused_peer, 50);
  EXPECT_EQ(listener_->stats().open, 0);
  EXPECT_TRUE(accepting().empty()) << "one peer's excess is not the server's state";
}

TEST_F(ConnectionListenerTest, AboveTheTotalItSaysThatItDoesNotAccept) {
  Start(2, 2);
  std::vector<Client> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(Connect());
    EXPECT_TRUE(clients.back().IsTaken());
  }
  EXPECT_FALSE(Connect().IsTaken());
  EXPECT_EQ(listener_->stats().refused_total, 1);
  EXPECT_THAT(accepting(), ::testing::ElementsAre(false));

  CloseAll();
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Connect().IsTaken());
  EXPECT_THAT(accepting(), ::testing::ElementsAre(false, true));
}

// Refusals at a limit are logged once, however many connections come.
TEST_F(ConnectionListenerTest, RefusalsAreLoggedByRate) {
  Start(1, 1);
  Client client = Connect();
  EXPECT_TRUE(client.IsTaken());
  testing::internal::CaptureStderr();
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(Connect().IsTaken());
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(Connect().IsTaken());
  listener_->Stop();
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_EQ(std::count(lines.begin(), lines.end(), '\n'), 2) << lines;
  EXPECT_THAT(lines, HasSubstr("max_connections"));
  EXPECT_THAT(lines, HasSubstr("19"));
}

TEST_F(ConnectionListenerTest, WithoutDescriptorsItRefusesAndGoesOnWhenThereAreSome) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan looks at a vptr through a pipe, and takes it for invalid without one";
#endif
  Start(1000, 1000);
  {
    Client first = Connect();
    EXPECT_TRUE(first.IsTaken());
  }
  // The client is in the same process. No descriptor may be left when the server accepts, so the
  // client opens its own before.
  std::vector<Client> clients;
  clients.push_back(Connect());
  EXPECT_TRUE(clients.back().IsTaken());
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  const int lowest = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  rlimit few = before;
  few.rlim_cur = static_cast<rlim_t>(lowest) + 1;  // allows only one more descriptor
  std::vector<int> fill;
  for (;;) {
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (fd > lowest) {
      close(fd);
      break;
    }
    fill.push_back(fd);
  }
  setrlimit(RLIMIT_NOFILE, &few);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(listener_->port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(lowest, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  char byte = 0;
  EXPECT_LE(recv(lowest, &byte, 1, 0), 0) << "refused";
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(listener_->stats().refused_descriptors, 1);
  EXPECT_THAT(accepting(), ::testing::ElementsAre(false));
  close(lowest);
  for (const int fd : fill) close(fd);

  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Connect().IsTaken());
  EXPECT_THAT(accepting(), ::testing::ElementsAre(false, true));
}

TEST(ConnectionListenerCreateTest, SaysWhyAnAddressCannotBeHad) {
  const auto first = ConnectionListener::Create({.address = "127.0.0.1:0"});
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string taken = "127.0.0.1:" + std::to_string((*first)->port());
  EXPECT_THAT(std::string(ConnectionListener::Create({.address = taken}).status().message()),
              HasSubstr("in use"));
  EXPECT_FALSE(ConnectionListener::Create({.address = "no.such.host.invalid:1"}).ok());
  // Listens on a name, and on all addresses of the machine.
  for (const char* address : {"localhost:0", "0.0.0.0:0", "[::1]:0", "[::]:0"}) {
    const auto listener = ConnectionListener::Create({.address = address});
    if (std::string(address) == "[::1]:0" && !listener.ok()) continue;  // a machine without IPv6
    ASSERT_TRUE(listener.ok()) << address << ": " << listener.status();
    EXPECT_GT((*listener)->port(), 0);
  }
}

}  // namespace
}  // namespace souvenir
