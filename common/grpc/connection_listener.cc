#include "common/grpc/connection_listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "common/grpc/listening_sockets.h"
#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "common/thread.h"

namespace souvenir {
namespace {

constinit Logger log{"grpc"};

// A sweep takes 0.45 us for each connection, so it does not run for every refused connection.
constexpr absl::Duration kSweepInterval = absl::Milliseconds(10);
// The interval at which the listener looks for room while it refuses connections. Also the least
// time until it reports that it accepts again.
constexpr absl::Duration kLookAgain = absl::Seconds(1);
// A connection is closed if its peer does not acknowledge sent data for this long, as with gRPC's
// listener.
constexpr unsigned kUserTimeoutMs = 20'000;
// The most connections that are accepted before the thread checks whether it is to end.
constexpr int kMostInARow = 1000;

uint64_t CookieOf(int socket) {
  uint64_t cookie = 0;
  socklen_t size = sizeof(cookie);
  return getsockopt(socket, SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

int OpenReserve() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

// Returns the peer that a connection counts for: an IPv4 address, or the /64 network of an IPv6
// address.
std::string PeerOf(const sockaddr_storage& address) {
  if (address.ss_family == AF_INET) {
    char text[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof(text));
    return text;
  }
  in6_addr ip = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  char text[INET6_ADDRSTRLEN] = "";
  if (IN6_IS_ADDR_V4MAPPED(&ip)) {
    inet_ntop(AF_INET, &ip.s6_addr[12], text, sizeof(text));
    return text;
  }
  for (int i = 8; i < 16; ++i) ip.s6_addr[i] = 0;
  inet_ntop(AF_INET6, &ip, text, sizeof(text));
  return std::string(text) + "/64";
}

void SetOptions(int connection) {
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  setsockopt(connection, IPPROTO_TCP, TCP_USER_TIMEOUT, &kUserTimeoutMs, sizeof(kUserTimeoutMs));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ConnectionListener>> ConnectionListener::Create(Options options) {
  if (options.max_connections == 0 || options.max_connections_per_peer == 0) {
    return absl::InvalidArgumentError("ConnectionListener: the limits must be above 0");
  }
  SOUVENIR_ASSIGN_OR_RETURN(ListeningSockets sockets, ListenOn(options.address));
  return std::unique_ptr<ConnectionListener>(
      new ConnectionListener(std::move(options), std::move(sockets.descriptors), sockets.port));
}

ConnectionListener::ConnectionListener(Options options, std::vector<int> sockets, int port)
    : options_(std::move(options)),
      port_(port),
      sockets_(std::move(sockets)),
      reserve_(OpenReserve()),
      log_limit_(1, options_.clock),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

ConnectionListener::~ConnectionListener() {
  Stop();
  if (reserve_ >= 0) close(reserve_);
  close(wake_);
}

void ConnectionListener::Start() {
  thread_ = StartThread("accept", [this] { Run(); });
}

void ConnectionListener::Stop() {
  eventfd_write(wake_, 1);
  if (thread_.joinable()) thread_.join();
  for (const int socket : std::exchange(sockets_, {})) close(socket);
}

void ConnectionListener::Disconnect() {
  MutexLock lock(&mutex_);
  SweepAll();
  for (const auto& [connection, held] : held_) shutdown(connection, SHUT_RDWR);
}

ConnectionListener::Stats ConnectionListener::stats() const {
  MutexLock lock(&mutex_);
  SweepAll();
  Stats stats = stats_;
  stats.open = held_.size();
  return stats;
}

void ConnectionListener::Run() {
  std::vector<pollfd> waited = {{.fd = wake_, .events = POLLIN, .revents = 0}};
  for (const int socket : sockets_)
    waited.push_back({.fd = socket, .events = POLLIN, .revents = 0});
  for (;;) {
    const int timeout = accepting_ ? -1 : static_cast<int>(absl::ToInt64Milliseconds(kLookAgain));
    poll(waited.data(), waited.size(), timeout);
    if (waited.front().revents != 0) return;
    LookForRoom();
    for (size_t i = 1; i < waited.size(); ++i) {
      if (waited[i].revents != 0) AcceptAll(waited[i].fd);
    }
  }
}

void ConnectionListener::AcceptAll(int socket) {
  for (int i = 0; i < kMostInARow; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof(address);
    const int connection =
        accept4(socket, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection >= 0) {
      LookForRoom();
      Take(socket, connection, address);
      continue;
    }
    switch (errno) {
      case EAGAIN:
        return;
      case EMFILE:
      case ENFILE:
      case ENOBUFS:
      case ENOMEM:
        // The kernel reports this even if no connection waits.
        if (!AcceptByReserve(socket)) return;
        continue;
      default:  // the connection has ended before it was accepted
        continue;
    }
  }
}

void ConnectionListener::Take(int socket, int connection, const sockaddr_storage& address) {
  const std::string peer = PeerOf(address);
  uint64_t Stats::*refused;
  {
    MutexLock lock(&mutex_);
    Forget(connection);  // an earlier connection with this descriptor was closed
    refused = Admit(peer);
    if (refused == nullptr) {
      held_[connection] = {.cookie = CookieOf(connection), .peer = peer};
      peers_[peer].insert(connection);
      ++stats_.accepted;
    }
  }
  if (refused != nullptr) {
    CountRefusal(refused, peer);
    if (refused == &Stats::refused_total) SetAccepting(false);
    close(connection);
    return;
  }
  SetOptions(connection);
  options_.on_connection(socket, connection);
}

bool ConnectionListener::AcceptByReserve(int socket) {
  if (reserve_ >= 0) close(std::exchange(reserve_, -1));
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  const int connection =
      accept4(socket, reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  const int error = errno;
  reserve_ = OpenReserve();
  if (connection >= 0) {
    if (reserve_ >= 0) {  // a descriptor has become free meanwhile
      LookForRoom();
      Take(socket, connection, address);
      return true;
    }
    CountRefusal(&Stats::refused_descriptors, "");
    SetAccepting(false);
    close(connection);
    reserve_ = OpenReserve();
    return true;
  }
  if (error != EAGAIN) {
    // The machine has no descriptor either. Connections stay in the backlog for the next 10 ms.
    SetAccepting(false);
    pollfd wake = {.fd = wake_, .events = POLLIN, .revents = 0};
    poll(&wake, 1, 10);
  }
  return false;
}

void ConnectionListener::CountRefusal(uint64_t Stats::*counter, const std::string& peer) {
  {
    MutexLock lock(&mutex_);
    ++(stats_.*counter);
  }
  if (counter == &Stats::refused_descriptors) {
    log.Error(log_limit_, "connections are refused: too many open files",
              {{"port", options_.name}});
  } else if (counter == &Stats::refused_total) {
    log.Error(log_limit_, "connections are refused: connections.max_connections is reached",
              {{"port", options_.name}, {"limit", options_.max_connections}});
  } else {
    log.Warning(
        log_limit_, "connections are refused: connections.max_connections_per_peer is reached",
        {{"port", options_.name}, {"peer", peer}, {"limit", options_.max_connections_per_peer}});
  }
}

void ConnectionListener::SetAccepting(bool accepting) {
  looked_at_ = options_.clock->Monotonic();
  if (std::exchange(accepting_, accepting) == accepting) return;
  if (options_.on_accepting) options_.on_accepting(accepting);
}

void ConnectionListener::LookForRoom() {
  if (accepting_ || options_.clock->Monotonic() - looked_at_ < kLookAgain) return;
  SetAccepting(HasRoom());
}

bool ConnectionListener::HasRoom() {
  {
    MutexLock lock(&mutex_);
    SweepAll();
    if (held_.size() >= options_.max_connections) return false;
  }
  if (reserve_ < 0) reserve_ = OpenReserve();
  const int another = OpenReserve();
  if (another >= 0) close(another);
  return reserve_ >= 0 && another >= 0;
}

uint64_t ConnectionListener::Stats::*ConnectionListener::Admit(const std::string& peer) {
  const absl::Duration now = options_.clock->Monotonic();
  if (held_.size() >= options_.max_connections && now - swept_at_ >= kSweepInterval) {
    swept_at_ = now;
    SweepAll();
  }
  if (held_.size() >= options_.max_connections) return &Stats::refused_total;
  const auto found = peers_.find(peer);
  if (found == peers_.end() || found->second.size() < options_.max_connections_per_peer) {
    return nullptr;
  }
  SweepPeer(peer);
  const auto left = peers_.find(peer);
  const bool full =
      left != peers_.end() && left->second.size() >= options_.max_connections_per_peer;
  return full ? &Stats::refused_peer : nullptr;
}

void ConnectionListener::SweepPeer(const std::string& peer) {
  const std::set<int> connections = peers_.at(peer);
  for (const int connection : connections) {
    if (CookieOf(connection) != held_.at(connection).cookie) Forget(connection);
  }
}

void ConnectionListener::SweepAll() const {
  std::vector<int> closed;
  for (const auto& [connection, held] : held_) {
    if (CookieOf(connection) != held.cookie) closed.push_back(connection);
  }
  for (const int connection : closed) Forget(connection);
}

void ConnectionListener::Forget(int connection) const {
  const auto held = held_.find(connection);
  if (held == held_.end()) return;
  const auto peer = peers_.find(held->second.peer);
  peer->second.erase(connection);
  if (peer->second.empty()) peers_.erase(peer);
  held_.erase(held);
}

}  // namespace souvenir
