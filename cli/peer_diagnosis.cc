#include "cli/peer_diagnosis.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <system_error>

#include "cli/printable.h"
#include "common/config/address.h"

namespace souvenir::cli {
namespace {

constexpr char kStartOne[] = "Start one with scripts/serve, or scripts/quickstart for a tour.";

// The greeting of HTTP/2 with empty settings. A gRPC server answers it with its own.
constexpr std::string_view kHttp2Greeting("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);

// A ClientHello of TLS 1.2 with one cipher. Any server of TLS answers it, at least with an alert.
constexpr std::string_view kTlsGreeting(
    "\x16\x03\x01\x00\x2d"  // a handshake record of 45 bytes
    "\x01\x00\x00\x29"      // ClientHello of 41 bytes
    "\x03\x03"              // TLS 1.2
    "souvenir looks for TLS at this p"
    "\x00"              // no session
    "\x00\x02\xc0\x2f"  // ECDHE-RSA with AES-128-GCM
    "\x01\x00",         // no compression
    50);

class Socket {
 public:
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  int get() const { return descriptor_; }

 private:
  const int descriptor_;
};

bool WaitFor(int descriptor, short events, absl::Duration limit) {
  pollfd waiting = {.fd = descriptor, .events = events, .revents = 0};
  const int milliseconds = static_cast<int>(absl::ToInt64Milliseconds(limit));
  int ready = 0;
  while ((ready = poll(&waiting, 1, milliseconds)) < 0 && errno == EINTR) {
  }
  return ready > 0;
}

std::string ErrorText(int error) { return std::generic_category().message(error); }

struct Addresses {
  std::shared_ptr<addrinfo> list;  // null: `error` says why
  int error = 0;                   // EAI_*
  bool late = false;               // the limit passed before a name server answered
};

struct Request {
  std::string host;
  std::string port;
  addrinfo hints = {};
  gaicb control = {};
};

// Returns the addresses of a host that is a number, which no name server has to be asked for.
Addresses ReadNumber(const std::string& host, const std::string& port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &list);
  if (error != 0) return {nullptr, error};
  return {std::shared_ptr<addrinfo>(list, freeaddrinfo), 0};
}

Addresses LookUp(const std::string& host, const std::string& port, absl::Duration limit) {
  if (Addresses numeric = ReadNumber(host, port); numeric.list != nullptr) return numeric;
  auto request = std::make_unique<Request>();
  request->host = host;
  request->port = port;
  request->hints.ai_socktype = SOCK_STREAM;
  request->control.ar_name = request->host.c_str();
  request->control.ar_service = request->port.c_str();
  request->control.ar_request = &request->hints;
  gaicb* controls[] = {&request->control};
  if (const int error = getaddrinfo_a(GAI_NOWAIT, controls, 1, nullptr); error != 0) {
    return {nullptr, error};
  }
  const timespec time = absl::ToTimespec(limit);
  gai_suspend(controls, 1, &time);
  const int error = gai_error(&request->control);
  if (error == EAI_INPROGRESS) {
    // The resolver's thread still reads a request that could not be cancelled.
    if (gai_cancel(&request->control) != EAI_CANCELED) request.release();
    return {nullptr, EAI_AGAIN, /*late=*/true};
  }
  if (error != 0) return {nullptr, error};
  return {std::shared_ptr<addrinfo>(request->control.ar_result, freeaddrinfo), 0};
}

Diagnosis UnknownName(const std::string& host, int error) {
  if (error == EAI_NONAME || error == EAI_NODATA) {
    return {fmt::format("the name '{}' is unknown", host), "Check how it is spelled."};
  }
  if (error == EAI_AGAIN) {
    return {fmt::format("no name server answers for '{}'", host),
            "Check the spelling, and the network of this machine."};
  }
  return {fmt::format("'{}' cannot be looked up: {}", host, gai_strerror(error)), ""};
}

// Returns 0 if connected, or the number of the error.
int Connect(const Socket& socket, const addrinfo& at, absl::Duration limit) {
  if (connect(socket.get(), at.ai_addr, at.ai_addrlen) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!WaitFor(socket.get(), POLLOUT, limit)) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

struct Reply {
  int error = 0;       // of connecting
  bool ended = false;  // the peer closed the connection
  bool late = false;   // the limit passed before something that was waited for
  std::string bytes;   // the first ones
};

bool IsTls(std::string_view bytes) {
  return bytes.size() >= 2 && (bytes[0] == 0x15 || bytes[0] == 0x16) && bytes[1] == 0x03;
}

// A server of HTTP/2 begins with a frame of settings, of less than 64 KB.
bool IsHttp2(std::string_view bytes) {
  return bytes.size() >= 9 && bytes[0] == 0x00 && bytes[3] == 0x04;
}

// Reads the first bytes of a reply. The head of a frame is enough, unless it is one of HTTP/2: then
// it matters whether the peer ends the connection.
void ReadReply(const Socket& socket, absl::Duration limit, Reply* reply) {
  char bytes[256];
  while (reply->bytes.size() < sizeof(bytes)) {
    if (!WaitFor(socket.get(), POLLIN, limit)) {
      reply->late = true;
      return;
    }
    const ssize_t got = recv(socket.get(), bytes, sizeof(bytes), 0);
    if (got <= 0) {
      reply->ended = true;
      return;
    }
    reply->bytes.append(bytes, static_cast<size_t>(got));
    if (reply->bytes.size() >= 9 && !IsHttp2(reply->bytes)) return;
  }
}

// Sends `greeting` to the first of `addresses` that takes a connection, and returns its reply.
Reply Greet(const Addresses& addresses, std::string_view greeting, absl::Duration limit) {
  Reply reply{.error = EHOSTUNREACH};
  for (const addrinfo* at = addresses.list.get(); at != nullptr; at = at->ai_next) {
    const Socket socket(::socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (socket.get() < 0) continue;
    reply.error = Connect(socket, *at, limit);
    if (reply.error == ETIMEDOUT) reply.late = true;
    if (reply.error != 0) continue;
    send(socket.get(), greeting.data(), greeting.size(), MSG_NOSIGNAL);
    ReadReply(socket, limit, &reply);
    break;
  }
  return reply;
}

Diagnosis NotReached(int error) {
  if (error == ECONNREFUSED) {
    return {fmt::format("nothing listens there: {}", ErrorText(error)), kStartOne};
  }
  if (error == ETIMEDOUT) {
    return {"the host does not answer, or something on the way drops what is sent to it",
            "Check the address, and firewalls."};
  }
  return {fmt::format("it cannot be connected to: {}", ErrorText(error)), "Check the address."};
}

std::optional<Diagnosis> DiagnoseReply(const Reply& reply, const Addresses& addresses,
                                       absl::Duration limit) {
  if (reply.bytes.starts_with("HTTP/")) {
    return {{"a web server answers there (HTTP/1), and no gRPC",
             "8002 and 8012 are for metrics; gRPC is on 8001 (gateway), 8003 (its admin port) and "
             "8011 (compute)."}};
  }
  if (IsHttp2(reply.bytes)) {
    if (!reply.ended) return std::nullopt;
    return {{"the server there speaks HTTP/2, and ended the connection",
             "It may be stopping, or have as many connections as it takes; try again."}};
  }
  // Anything else is told by its silence too, which needs time.
  const bool hasty = limit < kTellingSilence;
  if (hasty && reply.late) return std::nullopt;
  const Reply tls = IsTls(reply.bytes) ? reply : Greet(addresses, kTlsGreeting, limit);
  if (IsTls(tls.bytes)) {
    return {{"the server there speaks TLS, and this client does not",
             "Name a port without TLS, or a proxy that adds it."}};
  }
  if (hasty && tls.late) return std::nullopt;
  if (!reply.bytes.empty()) {
    const std::string line = reply.bytes.substr(0, reply.bytes.find_first_of("\r\n"));
    return {{fmt::format("what answers there is no gRPC server; it says '{}'", Printable(line)),
             "Check the port."}};
  }
  if (reply.ended) {
    return {{"something there takes the connection and ends it without a word",
             "It is no gRPC server, or one that takes no more connections."}};
  }
  return {{"something there takes the connection and says nothing",
           "It is no gRPC server, or one that hangs."}};
}

}  // namespace

std::optional<Diagnosis> DiagnosePeer(const std::string& address, absl::Duration limit) {
  if (!CheckAddress("", address).ok()) return std::nullopt;
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  const bool hasty = limit < kTellingSilence;
  const Addresses addresses = LookUp(host, address.substr(colon + 1), limit);
  if (hasty && addresses.late) return std::nullopt;
  if (addresses.list == nullptr) return UnknownName(host, addresses.error);
  const Reply reply = Greet(addresses, kHttp2Greeting, limit);
  if (hasty && reply.error != 0 && reply.late) return std::nullopt;
  if (reply.error != 0) return NotReached(reply.error);
  return DiagnoseReply(reply, addresses, limit);
}

}  // namespace souvenir::cli
