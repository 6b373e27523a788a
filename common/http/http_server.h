#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/unique_fd.h"

namespace souvenir {

struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
};

// A small HTTP/1.1 server for pages that a program generates. It serves GET and HEAD, one request
// per connection. Anybody may connect, so everything is bounded: the connections, the bytes of a
// request, and the time that a connection may take, silent or slow. At the limit, a new connection
// replaces the oldest one, so that held connections cannot keep others out.
//
// It has one thread, which never waits for a peer; the handler runs on it. Thread-safe. Owned by
// the component whose pages it serves.
//
//   auto server = HttpServer::Create({.address = "127.0.0.1:0"}, [](std::string_view path) {
//     return path == "/version" ? HttpResponse{.body = "1"} : HttpResponse{.status = 404};
//   });
//   if (server.ok()) (*server)->Start();
class HttpServer {
 public:
  struct Options {
    std::string address;        // "host:port"; port 0 for any free port
    uint32_t connections = 64;  // maximum at a time; at least 1
    // Time for a connection to send its request, and again for taking its answer. Above 0.
    absl::Duration timeout = absl::Seconds(5);
    const Clock* clock = Clock::System();
  };

  // Reasons for the end of a connection.
  enum class End {
    kAnswered,   // with a page or an error of the handler
    kRefused,    // the request was invalid or too large
    kTimedOut,   // the request or the reading of the answer took too long
    kDisplaced,  // replaced by a new connection
    kLost,       // the peer disconnected
  };
  static constexpr size_t kEnds = 5;
  static std::string_view NameOf(End end);

  struct Stats {
    uint64_t open = 0;
    std::array<uint64_t, kEnds> ended{};  // by End
    // Times at which a connection had to wait, because the process had no free descriptor.
    uint64_t without_descriptor = 0;
  };

  // Maximum size of a request's line and headers in bytes.
  static constexpr size_t kMostRequestBytes = 8 << 10;

  // Called with the path of a request, without its query. Must not block.
  using Handler = std::function<HttpResponse(std::string_view path)>;

  // Listens on the address. Connections wait for Start(). INVALID_ARGUMENT if an option is out of
  // range or the address has no port, UNAVAILABLE if the server cannot listen on the address.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Create(Options options, Handler handler);
  ~HttpServer();

  // Starts to answer, until the server is destroyed. REQUIRES: it was not called before.
  void Start();

  int port() const { return port_; }
  Stats stats() const;

 private:
  enum class State {
    kReading,  // reads the request
    kWriting,  // writes the answer
    // The answer is written and counted. Reads what the peer still sends, because closing earlier
    // could make the peer lose the answer.
    kClosing,
  };
  struct Connection {
    UniqueFd socket;
    State state = State::kReading;
    absl::Duration deadline;
    std::string bytes;  // of the request, then of the answer
    size_t written = 0;
    End end = End::kLost;  // the reason if it is closed now
  };

  HttpServer(Options options, Handler handler, UniqueFd listener, UniqueFd wake, int port);
  void Run();
  void Accept();
  // Continues with a connection. Returns false if it has ended.
  bool Proceed(Connection& connection);
  bool Read(Connection& connection);
  bool Write(Connection& connection);
  bool Drain(Connection& connection);
  void Answer(Connection& connection);
  void Count(End end) { ended_[static_cast<size_t>(end)].fetch_add(1, std::memory_order_relaxed); }
  // Closes and counts a connection. A connection in kClosing has been counted already.
  void Close(std::deque<Connection>::iterator at, End end);
  void CloseLate();
  int WaitMilliseconds() const;

  const Options options_;
  const Handler handler_;
  const UniqueFd listener_;
  const UniqueFd wake_;  // readable once the thread must stop
  const int port_;

  // Connections from the oldest to the newest. Used only by the thread.
  std::deque<Connection> connections_;
  absl::Duration accept_again_ = absl::ZeroDuration();  // no accept() before then

  std::atomic<uint64_t> open_{0};
  std::atomic<uint64_t> without_descriptor_{0};
  std::array<std::atomic<uint64_t>, kEnds> ended_{};
  std::thread thread_;
};

}  // namespace souvenir
