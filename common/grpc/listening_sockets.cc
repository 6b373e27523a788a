#include "common/grpc/listening_sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "common/host_lookup.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

// The kernel caps it (net.core.somaxconn, 4096 by default).
constexpr int kBacklog = 65'535;

void SetPort(sockaddr* address, int port) {
  const in_port_t number = htons(static_cast<uint16_t>(port));
  if (address->sa_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(address)->sin6_port = number;
  } else {
    reinterpret_cast<sockaddr_in*>(address)->sin_port = number;
  }
}

int PortOf(int socket) {
  sockaddr_storage bound{};
  socklen_t size = sizeof(bound);
  getsockname(socket, reinterpret_cast<sockaddr*>(&bound), &size);
  return ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                           : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
}

// Returns a socket that listens on `address`. On failure returns -1 and sets errno.
int Listen(const sockaddr* address, socklen_t size, bool only_ipv6) {
  const int fd =
      socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
  if (fd < 0) return -1;
  // With SO_REUSEADDR a port is free although its last connections linger. SO_REUSEPORT is not set:
  // with it, a second server on the port would start silently and take half of the connections.
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  const int only = only_ipv6 ? 1 : 0;
  if (address->sa_family == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
  }
  if (bind(fd, address, size) == 0 && listen(fd, kBacklog) == 0) return fd;
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

// Returns true if the machine lacks this address or its family. Another address of the name may
// work.
bool IsAbsent(int error) { return error == EADDRNOTAVAIL || error == EAFNOSUPPORT; }

}  // namespace

absl::StatusOr<ListeningSockets> ListenOn(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return absl::UnavailableError("an address is host:port");
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  const std::string port = address.substr(colon + 1);

  ListeningSockets sockets;
  absl::Cleanup close_all = [&sockets] {
    for (const int fd : sockets.descriptors) close(fd);
  };
  // An IPv6 socket takes IPv4 connections, too.
  if (host == "0.0.0.0" || host == "::") {
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_addr = in6addr_any;
    SetPort(reinterpret_cast<sockaddr*>(&any), std::atoi(port.c_str()));
    const int fd = Listen(reinterpret_cast<sockaddr*>(&any), sizeof(any), false);
    if (fd >= 0) {
      std::move(close_all).Cancel();
      return ListeningSockets{.descriptors = {fd}, .port = PortOf(fd)};
    }
    if (!IsAbsent(errno)) return absl::UnavailableError(std::generic_category().message(errno));
  }

  SOUVENIR_ASSIGN_OR_RETURN(const HostAddresses addresses, LookUpHost(host, port));
  int error = EADDRNOTAVAIL;
  for (const addrinfo* one = addresses.get(); one != nullptr; one = one->ai_next) {
    if (sockets.port != 0) SetPort(one->ai_addr, sockets.port);
    const int fd = Listen(one->ai_addr, one->ai_addrlen, true);
    if (fd < 0) {
      error = errno;
      if (IsAbsent(error)) continue;
      return absl::UnavailableError(std::generic_category().message(error));
    }
    sockets.descriptors.push_back(fd);
    sockets.port = PortOf(fd);
  }
  if (sockets.descriptors.empty()) {
    return absl::UnavailableError(std::generic_category().message(error));
  }
  std::move(close_all).Cancel();
  return sockets;
}

}  // namespace souvenir
