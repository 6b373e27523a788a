#include "common/http/http_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/fakes/http_get.h"
#include "tests/fakes/manual_clock.h"

namespace souvenir {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr size_t kLargePage = 24u << 20;  // more than the sockets' buffers hold

HttpResponse Page(std::string_view path) {
  if (path == "/page") return {.body = "a page\n"};
  if (path == "/large") return {.body = std::string(kLargePage, 'x')};
  return {.status = 404, .body = "no page\n"};
}

// A client that performs only the steps that a test asks for.
class Client {
 public:
  explicit Client(const HttpServer& server) : socket_(ConnectTo(server.port())) {}

  void Send(std::string_view bytes) {
    EXPECT_EQ(send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  // Returns all bytes until the server closes.
  std::string Receive() { return ReceiveAll(socket_.get()); }

 private:
  UniqueFd socket_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  void Start(HttpServer::Options options = {}) {
    options.address = "127.0.0.1:0";
    options.clock = &clock_;
    auto server = HttpServer::Create(options, &Page);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    server_->Start();
  }

  uint64_t Ended(HttpServer::End end) const {
    return server_->stats().ended[static_cast<size_t>(end)];
  }

  std::string Ask(std::string_view request) {
    Client client(*server_);
    client.Send(request);
    return client.Receive();
  }

  ManualClock clock_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersWithPages) {
  Start();
  EXPECT_THAT(HttpGet(server_->port(), "/page"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("Content-Length: 7\r\n"),
                    HasSubstr("Connection: close\r\n"), EndsWith("\r\n\r\na page\n")));
  EXPECT_THAT(HttpGet(server_->port(), "/page?x=/y"), EndsWith("a page\n"));
  EXPECT_THAT(HttpGet(server_->port(), "/"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(Ask("HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n"),
              AllOf(HasSubstr("Content-Length: 7\r\n"), EndsWith("\r\n\r\n")));
  EXPECT_EQ(Ended(HttpServer::End::kAnswered), 4u);
}

TEST_F(HttpServerTest, ARequestMayComeInPieces) {
  Start();
  Client client(*server_);
  for (const char letter : std::string_view("GET /page HTTP/1.1\r\n\r\n")) {
    client.Send({&letter, 1});
  }
  EXPECT_THAT(client.Receive(), EndsWith("a page\n"));
}

TEST_F(HttpServerTest, ALargePageComesWhole) {
  Start();
  const std::string answer = HttpGet(server_->port(), "/large");
  EXPECT_EQ(answer.size() - answer.find("\r\n\r\n") - 4, kLargePage);
}

TEST_F(HttpServerTest, WhatIsNoRequestIsRefused) {
  Start();
  const std::pair<std::string, std::string> cases[] = {
      {"\r\n\r\n", "400"},
      {"GET /page\r\n\r\n", "400"},
      {"GET page HTTP/1.1\r\n\r\n", "400"},
      {"GET /a b HTTP/1.1\r\n\r\n", "400"},
      {"GET /page SPDY/3\r\n\r\n", "400"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400"},
      {std::string("\x16\x03\x01\0\x05", 5) + "\r\n\r\n", "400"},
      {"POST /page HTTP/1.1\r\nContent-Length: 2\r\n\r\nab", "405"},
      {"GET /page HTTP/1.1\r\nX: " + std::string(HttpServer::kMostRequestBytes, 'x'), "431"},
  };
  for (const auto& [request, status] : cases) {
    EXPECT_THAT(Ask(request), StartsWith("HTTP/1.1 " + status)) << request.substr(0, 40);
  }
  EXPECT_EQ(Ended(HttpServer::End::kRefused), std::size(cases));
}

TEST_F(HttpServerTest, HeadersThatAreTooLargeAreToldWithTheirSizeAndTheLimit) {
  Start();
  const std::string begin = "GET /page HTTP/1.1\r\nX: ";
  const std::string endless =
      begin + std::string(HttpServer::kMostRequestBytes - begin.size(), 'x');
  EXPECT_THAT(Ask(endless), EndsWith("too large: 8192 bytes have come so far, and the limit is "
                                     "8192\n"));
}

TEST_F(HttpServerTest, ConnectionsThatAreHeldKeepNobodyOut) {
  Start({.connections = 8});
  std::vector<std::unique_ptr<Client>> held;
  for (int i = 0; i < 100; ++i) {
    held.push_back(std::make_unique<Client>(*server_));
    if (i % 2 == 0) held.back()->Send("GET /page HTTP/1.1\r\nHost: half");
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(HttpGet(server_->port(), "/page"), EndsWith("a page\n"));
  }
  EXPECT_LE(server_->stats().open, 8u);
  EXPECT_GE(Ended(HttpServer::End::kDisplaced), 92u);
  EXPECT_THAT(held.front()->Receive(), IsEmpty());
}

TEST_F(HttpServerTest, AConnectionHasItsTimeForARequestAndNoMore) {
  Start({.timeout = absl::Seconds(5)});
  Client silent(*server_);
  Client half(*server_);
  half.Send("GET /page HT");
  // Once a later connection is answered, the earlier ones have been accepted.
  EXPECT_THAT(HttpGet(server_->port(), "/page"), EndsWith("a page\n"));
  clock_.Advance(absl::Seconds(4));
  EXPECT_THAT(HttpGet(server_->port(), "/page"), EndsWith("a page\n"));
  EXPECT_EQ(Ended(HttpServer::End::kTimedOut), 0u);
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(HttpGet(server_->port(), "/page"), EndsWith("a page\n"));
  EXPECT_THAT(silent.Receive(), IsEmpty());
  EXPECT_THAT(half.Receive(), IsEmpty());
  EXPECT_EQ(Ended(HttpServer::End::kTimedOut), 2u);
}

TEST_F(HttpServerTest, ASlowReaderDelaysNobodyAndHasItsTime) {
  Start({.timeout = absl::Seconds(5)});
  Client slow(*server_);
  slow.Send("GET /large HTTP/1.1\r\n\r\n");
  EXPECT_THAT(HttpGet(server_->port(), "/page"), EndsWith("a page\n"));
  clock_.Advance(absl::Seconds(5));
  EXPECT_THAT(HttpGet(server_->port(), "/page"), EndsWith("a page\n"));
  EXPECT_LT(slow.Receive().size(), kLargePage);
  EXPECT_EQ(Ended(HttpServer::End::kTimedOut), 1u);
}

TEST_F(HttpServerTest, WithoutADescriptorAConnectionWaitsForOne) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "UBSan looks at a vptr through a pipe, and takes it for invalid without one";
#endif
  Start();
  EXPECT_THAT(HttpGet(server_->port(), "/page"), EndsWith("a page\n"));
  // The client is in the same process, so it has its socket before no descriptor is left.
  const UniqueFd client(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  std::vector<UniqueFd> fill;
  do {
    fill.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
  } while (fill.back().get() < client.get());
  rlimit before{};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit few = before;
  few.rlim_cur = static_cast<rlim_t>(fill.back().get()) + 1;
  setrlimit(RLIMIT_NOFILE, &few);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(server_->port()));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  while (server_->stats().without_descriptor == 0) std::this_thread::yield();
  setrlimit(RLIMIT_NOFILE, &before);
  constexpr std::string_view kRequest = "GET /page HTTP/1.1\r\n\r\n";
  EXPECT_EQ(send(client.get(), kRequest.data(), kRequest.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(kRequest.size()));
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(ReceiveAll(client.get()), EndsWith("a page\n"));
}

TEST_F(HttpServerTest, AStopWaitsForNobody) {
  Start();
  Client silent(*server_);
  EXPECT_THAT(HttpGet(server_->port(), "/page"), EndsWith("a page\n"));
  const int port = server_->port();
  server_.reset();
  EXPECT_THAT(silent.Receive(), IsEmpty());
  EXPECT_THAT(HttpGet(port, "/page"), IsEmpty());
}

TEST_F(HttpServerTest, OptionsThatMakeNoSenseAreNamed) {
  const auto refused = [](const HttpServer::Options& options) {
    return HttpServer::Create(options, &Page).status().ToString();
  };
  EXPECT_THAT(refused({.address = "127.0.0.1:0", .connections = 0}), HasSubstr("connections is 0"));
  EXPECT_THAT(refused({.address = "127.0.0.1:0", .timeout = absl::ZeroDuration()}),
              HasSubstr("timeout"));
  EXPECT_THAT(refused({.address = "nowhere"}), HasSubstr("'nowhere'"));
}

}  // namespace
}  // namespace souvenir
