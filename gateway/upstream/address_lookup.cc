#include "gateway/upstream/address_lookup.h"

#include <fmt/format.h>
#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace souvenir::gateway {
namespace {

struct HostAndPort {
  std::string host;  // without brackets
  std::string port;
};

// REQUIRES: `name` has the form that CheckAddress() asks for.
HostAndPort Split(std::string_view name) {
  const size_t colon = name.rfind(':');
  std::string_view host = name.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return {std::string(host), std::string(name.substr(colon + 1))};
}

struct FreeAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

// Returns true for "localhost" and names that end in ".localhost". These are always this machine
// (RFC 6761), even without a name server or a file of hosts.
bool IsThisMachine(absl::string_view host) {
  absl::ConsumeSuffix(&host, ".");
  return absl::EqualsIgnoreCase(host, "localhost") || absl::EndsWithIgnoreCase(host, ".localhost");
}

// Returns the error of getaddrinfo(), or 0.
int LookUp(const HostAndPort& asked, int flags, Addresses* found) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* addresses = nullptr;
  // Without a host getaddrinfo() returns the loopback addresses and asks no name server.
  const char* const host = IsThisMachine(asked.host) ? nullptr : asked.host.c_str();
  const int error = getaddrinfo(host, asked.port.c_str(), &hints, &addresses);
  if (error == 0) found->reset(addresses);
  return error;
}

}  // namespace

bool IsNumericAddress(std::string_view name) {
  const HostAndPort asked = Split(name);
  Addresses found;
  return !IsThisMachine(asked.host) && LookUp(asked, AI_NUMERICHOST | AI_NUMERICSERV, &found) == 0;
}

absl::StatusOr<std::vector<std::string>> LookUpAddresses(const std::string& name) {
  Addresses found;
  // AI_ADDRCONFIG only returns families of which the machine has an address: without IPv6,
  // "localhost" has no IPv6 address.
  const int error = LookUp(Split(name), AI_ADDRCONFIG | AI_NUMERICSERV, &found);
  if (error != 0) {
    return absl::UnavailableError(
        fmt::format("'{}' cannot be looked up: {}", name, gai_strerror(error)));
  }
  std::set<std::string> addresses;
  for (const addrinfo* at = found.get(); at != nullptr; at = at->ai_next) {
    std::array<char, NI_MAXHOST> host;
    std::array<char, NI_MAXSERV> port;
    if (getnameinfo(at->ai_addr, at->ai_addrlen, host.data(), host.size(), port.data(), port.size(),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
      continue;
    }
    addresses.insert(at->ai_family == AF_INET6 ? fmt::format("[{}]:{}", host.data(), port.data())
                                               : fmt::format("{}:{}", host.data(), port.data()));
  }
  if (addresses.empty()) {
    return absl::UnavailableError(fmt::format("'{}' has no address", name));
  }
  return std::vector<std::string>(addresses.begin(), addresses.end());
}

}  // namespace souvenir::gateway
