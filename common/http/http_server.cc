#include "common/http/http_server.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "common/host_lookup.h"
#include "common/status_macros.h"
#include "common/thread.h"

namespace souvenir {
namespace {

// Pause before the next accept() while the process has no free descriptor.
constexpr absl::Duration kAcceptPause = absl::Milliseconds(20);
// Number of connections that the kernel keeps ready for accept().
constexpr int kBacklog = 128;
// Bytes that Drain() reads from one connection at a time, so that an endless sender leaves time for
// others.
constexpr size_t kPieceBytes = 16 << 10;

std::string ErrorText(int error) { return std::generic_category().message(error); }

bool WouldBlock(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

struct Listener {
  UniqueFd socket;
  int port;
};

absl::StatusOr<Listener> Listen(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) {
    return absl::InvalidArgumentError(fmt::format("'{}' is not host:port", address));
  }
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  SOUVENIR_ASSIGN_OR_RETURN(const HostAddresses found, LookUpHost(host, address.substr(colon + 1)));
  UniqueFd socket(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  // With SO_REUSEADDR, old connections do not block the port after a restart.
  if (!socket || setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
      bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      listen(socket.get(), kBacklog) != 0 ||
      getsockname(socket.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
    return absl::UnavailableError(ErrorText(errno));
  }
  const in_port_t port = bound.ss_family == AF_INET6
                             ? reinterpret_cast<const sockaddr_in6&>(bound).sin6_port
                             : reinterpret_cast<const sockaddr_in&>(bound).sin_port;
  return Listener{std::move(socket), ntohs(port)};
}

std::string_view ReasonOf(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    default:
      return "Error";
  }
}

// Returns the size of the request up to the end of its headers, or 0 if they are incomplete.
size_t EndOfHeaders(std::string_view bytes) {
  const size_t end = bytes.find("\r\n\r\n");
  return end == std::string_view::npos ? 0 : end + 4;
}

struct RequestLine {
  std::string_view method;
  std::string_view path;
};

// Parses "GET /metrics?x=1 HTTP/1.1". Returns nullopt for any other form.
std::optional<RequestLine> ParseRequestLine(std::string_view request) {
  const std::string_view line = request.substr(0, request.find("\r\n"));
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == 0 || last == first) return std::nullopt;
  std::string_view target = line.substr(first + 1, last - first - 1);
  if (!line.substr(last + 1).starts_with("HTTP/1.") || !target.starts_with('/') ||
      target.find(' ') != std::string_view::npos) {
    return std::nullopt;
  }
  return RequestLine{line.substr(0, first), target.substr(0, target.find('?'))};
}

}  // namespace

std::string_view HttpServer::NameOf(End end) {
  switch (end) {
    case End::kAnswered:
      return "answered";
    case End::kRefused:
      return "refused";
    case End::kTimedOut:
      return "timed_out";
    case End::kDisplaced:
      return "displaced";
    case End::kLost:
      return "lost";
  }
  return "";
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Create(Options options, Handler handler) {
  if (options.connections == 0) {
    return absl::InvalidArgumentError("connections is 0; it must be at least 1");
  }
  if (options.timeout <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError("timeout must be above 0");
  }
  SOUVENIR_ASSIGN_OR_RETURN(Listener listener, Listen(options.address));
  UniqueFd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return absl::UnavailableError(ErrorText(errno));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(options), std::move(handler),
                                                    std::move(listener.socket), std::move(wake),
                                                    listener.port));
}

void HttpServer::Start() {
  thread_ = StartThread("http", [this] { Run(); });
}

HttpServer::HttpServer(Options options, Handler handler, UniqueFd listener, UniqueFd wake, int port)
    : options_(std::move(options)),
      handler_(std::move(handler)),
      listener_(std::move(listener)),
      wake_(std::move(wake)),
      port_(port) {}

HttpServer::~HttpServer() {
  eventfd_write(wake_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

HttpServer::Stats HttpServer::stats() const {
  Stats stats;
  stats.open = open_.load(std::memory_order_relaxed);
  stats.without_descriptor = without_descriptor_.load(std::memory_order_relaxed);
  for (size_t i = 0; i < kEnds; ++i) stats.ended[i] = ended_[i].load(std::memory_order_relaxed);
  return stats;
}

void HttpServer::Run() {
  std::vector<pollfd> polled;
  for (;;) {
    polled.clear();
    polled.push_back({wake_.get(), POLLIN, 0});
    const bool may_accept = options_.clock->Monotonic() >= accept_again_;
    polled.push_back({may_accept ? listener_.get() : -1, POLLIN, 0});
    for (const Connection& connection : connections_) {
      const bool writes = connection.state == State::kWriting;
      polled.push_back({connection.socket.get(), static_cast<short>(writes ? POLLOUT : POLLIN), 0});
    }
    if (poll(polled.data(), polled.size(), WaitMilliseconds()) < 0) continue;  // a signal
    if (polled[0].revents != 0) return;
    // Runs backwards, because Close() removes elements.
    for (size_t i = connections_.size(); i-- > 0;) {
      if (polled[2 + i].revents == 0 || Proceed(connections_[i])) continue;
      Close(connections_.begin() + static_cast<std::ptrdiff_t>(i), connections_[i].end);
    }
    CloseLate();
    if (polled[1].revents != 0) Accept();
  }
}

// Returns the timeout of poll(). A quarter of a connection's timeout is often enough to notice late
// connections.
int HttpServer::WaitMilliseconds() const {
  const bool pauses = options_.clock->Monotonic() < accept_again_;
  if (connections_.empty() && !pauses) return -1;
  const absl::Duration longest = pauses ? kAcceptPause : options_.timeout / 4;
  return static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(longest), 1, 1000));
}

void HttpServer::CloseLate() {
  const absl::Duration now = options_.clock->Monotonic();
  for (size_t i = connections_.size(); i-- > 0;) {
    if (connections_[i].deadline > now) continue;
    Close(connections_.begin() + static_cast<std::ptrdiff_t>(i), End::kTimedOut);
  }
}

void HttpServer::Accept() {
  for (uint32_t taken = 0; taken < options_.connections; ++taken) {
    UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    const int error = errno;
    if (!socket) {
      // The listener stays readable. Without a pause, Run() would loop without end.
      if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
        accept_again_ = options_.clock->Monotonic() + kAcceptPause;
        without_descriptor_.fetch_add(1, std::memory_order_relaxed);
      }
      return;
    }
    if (connections_.size() >= options_.connections) {
      Close(connections_.begin(), End::kDisplaced);
    }
    Connection& connection = connections_.emplace_back();
    connection.socket = std::move(socket);
    connection.deadline = options_.clock->Monotonic() + options_.timeout;
    open_.store(connections_.size(), std::memory_order_relaxed);
    // Most clients have sent their request already, so no poll() is needed for it.
    if (!Proceed(connection)) Close(connections_.end() - 1, connection.end);
  }
}

bool HttpServer::Proceed(Connection& connection) {
  switch (connection.state) {
    case State::kReading:
      return Read(connection);
    case State::kWriting:
      return Write(connection);
    case State::kClosing:
      return Drain(connection);
  }
  return false;
}

bool HttpServer::Read(Connection& connection) {
  char buffer[4096];
  for (;;) {
    const ssize_t size = recv(connection.socket.get(), buffer, sizeof(buffer), 0);
    if (size < 0 && WouldBlock(errno)) return true;
    if (size <= 0) return false;
    connection.bytes.append(buffer, static_cast<size_t>(size));
    if (EndOfHeaders(connection.bytes) == 0 && connection.bytes.size() < kMostRequestBytes) {
      continue;
    }
    Answer(connection);
    return Write(connection);
  }
}

void HttpServer::Answer(Connection& connection) {
  const size_t headers = EndOfHeaders(connection.bytes);
  const auto line = ParseRequestLine(connection.bytes);
  HttpResponse response;
  connection.end = End::kRefused;
  bool has_body = true;
  if (headers == 0 || headers > kMostRequestBytes) {
    response = {.status = 431,
                .body = fmt::format(
                    "the request's headers are too large: {} bytes {}, and the limit is {}\n",
                    headers > 0 ? headers : connection.bytes.size(),
                    headers > 0 ? "came" : "have come so far", kMostRequestBytes)};
  } else if (!line) {
    response = {.status = 400, .body = "not an HTTP/1.1 request\n"};
  } else if (line->method != "GET" && line->method != "HEAD") {
    response = {.status = 405, .body = "the method must be GET or HEAD\n"};
  } else {
    response = handler_(line->path);
    has_body = line->method == "GET";
    connection.end = End::kAnswered;
  }
  connection.bytes = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Connection: close\r\n\r\n",
      response.status, ReasonOf(response.status), response.content_type, response.body.size(),
      response.status == 405 ? "Allow: GET, HEAD\r\n" : "");
  if (has_body) connection.bytes += response.body;
  connection.state = State::kWriting;
  connection.deadline = options_.clock->Monotonic() + options_.timeout;
}

bool HttpServer::Write(Connection& connection) {
  while (connection.written < connection.bytes.size()) {
    const ssize_t size = send(connection.socket.get(), connection.bytes.data() + connection.written,
                              connection.bytes.size() - connection.written, MSG_NOSIGNAL);
    if (size < 0 && WouldBlock(errno)) return true;
    if (size < 0) {
      connection.end = End::kLost;
      return false;
    }
    connection.written += static_cast<size_t>(size);
  }
  connection.bytes = std::string();
  connection.state = State::kClosing;
  Count(connection.end);  // before the peer can see the end
  (void)shutdown(connection.socket.get(), SHUT_WR);
  return Drain(connection);
}

bool HttpServer::Drain(Connection& connection) {
  char buffer[4096];
  for (size_t read = 0; read < kPieceBytes; read += sizeof(buffer)) {
    const ssize_t size = recv(connection.socket.get(), buffer, sizeof(buffer), 0);
    if (size < 0 && WouldBlock(errno)) return true;
    if (size <= 0) return false;
  }
  return true;
}

void HttpServer::Close(std::deque<Connection>::iterator at, End end) {
  if (at->state != State::kClosing) Count(end);
  connections_.erase(at);
  open_.store(connections_.size(), std::memory_order_relaxed);
}

}  // namespace souvenir
