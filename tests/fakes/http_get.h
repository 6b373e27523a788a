#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <string_view>

#include "common/unique_fd.h"

namespace souvenir {

// Connects to `port` of this machine. Returns no descriptor if nobody listens there.
inline UniqueFd ConnectTo(int port) {
  UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    socket.Close();
  }
  return socket;
}

// Reads until the peer closes.
inline std::string ReceiveAll(int socket) {
  std::string bytes;
  char buffer[64 << 10];
  for (ssize_t got; (got = recv(socket, buffer, sizeof(buffer), 0)) > 0;) {
    bytes.append(buffer, static_cast<size_t>(got));
  }
  return bytes;
}

// Sends GET `path` to a server on a port of this machine. Returns the whole response with its
// headers, or an empty string if there is no server.
inline std::string HttpGet(int port, std::string_view path) {
  const UniqueFd socket = ConnectTo(port);
  if (!socket) return "";
  const std::string request =
      "GET " + std::string(path) + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
  std::string_view rest = request;
  while (!rest.empty()) {
    const ssize_t sent = send(socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;
    rest.remove_prefix(static_cast<size_t>(sent));
  }
  return ReceiveAll(socket.get());
}

}  // namespace souvenir
