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

// A small HTTP/1.1 server for pages that a program makes of itself: GET and HEAD, one answer a
// connection. Anybody may connect, so everything is bounded: connections, the bytes of a request,
// and how long a connection may take, silent or slow. Where there are as many connections as may be
// a new one takes the place of the one that has waited longest, so that those that are held open
// keep nobody out.
//
// Has one thread, which never waits for a peer; the handler runs on it. Thread-safe. Owned by
// whatever has pages to show.
//
//   auto server = HttpServer::Create({.address = "127.0.0.1:0"}, [](std::string_view path) {
//     return path == "/version" ? HttpResponse{.body = "1"} : HttpResponse{.status = 404};
//   });
//   if (server.ok()) (*server)->Start();
class HttpServer {
 public:
  struct Options {
    std::string address;        // "host:port"; port 0 is any that is free
    uint32_t connections = 64;  // at once, at least 1
    // From the moment that a connection is taken until its request is there; and again until its
    // answer is taken. Above 0.
    absl::Duration timeout = absl::Seconds(5);
    const Clock* clock = Clock::System();
  };

  // How connections ended.
  enum class End {
    kAnswered,   // with a page, or an error that the handler gave
    kRefused,    // it was no request that is understood, or too long
    kTimedOut,   // before its request was there, or its answer taken
    kDisplaced,  // by a new one
    kLost,       // the peer went away
  };
  static constexpr size_t kEnds = 5;
  static std::string_view NameOf(End end);

  struct Stats {
    uint64_t open = 0;
    std::array<uint64_t, kEnds> ended{};  // by End
  };

  // A request's line and headers, in bytes.
  static constexpr size_t kMostRequestBytes = 8 << 10;

  // Called with the path of a request, without its query. Must not block.
  using Handler = std::function<HttpResponse(std::string_view path)>;

  // Listens; whoever connects waits for Start(). INVALID_ARGUMENT for options that make no sense,
  // UNAVAILABLE where the address cannot be listened on.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Create(Options options, Handler handler);
  ~HttpServer();

  // Answers from now on, until it is destroyed. Called once.
  void Start();

  int port() const { return port_; }
  Stats stats() const;

 private:
  enum class State {
    kReading,  // a request
    kWriting,  // the answer
    kClosing,  // all is written and counted: what the peer still sends is read, or it would lose
               // the answer
  };
  struct Connection {
    UniqueFd socket;
    State state = State::kReading;
    absl::Duration deadline;
    std::string bytes;  // of the request; then of the answer
    size_t written = 0;
    End end = End::kLost;  // if it is closed now
  };

  HttpServer(Options options, Handler handler, UniqueFd listener, UniqueFd wake, int port);
  void Run();
  void Accept();
  // True while the connection goes on.
  bool Proceed(Connection& connection);
  bool Read(Connection& connection);
  bool Write(Connection& connection);
  bool Drain(Connection& connection);
  void Answer(Connection& connection);
  void Count(End end) { ended_[static_cast<size_t>(end)].fetch_add(1, std::memory_order_relaxed); }
  // Counts it, unless that is done because all is written.
  void Close(std::deque<Connection>::iterator at, End end);
  void CloseLate();
  int WaitMilliseconds() const;

  const Options options_;
  const Handler handler_;
  const UniqueFd listener_;
  const UniqueFd wake_;  // readable: stop
  const int port_;

  // The thread's own. In order of age.
  std::deque<Connection> connections_;
  absl::Duration accept_again_ = absl::ZeroDuration();  // no descriptor is free until about then

  std::atomic<uint64_t> open_{0};
  std::array<std::atomic<uint64_t>, kEnds> ended_{};
  std::thread thread_;
};

}  // namespace souvenir
