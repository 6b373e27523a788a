#include "common/config/address.h"

#include <fmt/format.h>

#include <charconv>

namespace souvenir {
namespace {

constexpr int kLastPort = 65535;

bool IsAddress(std::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view host = address.substr(0, colon);
  const bool bracketed = host.front() == '[' && host.back() == ']';
  if (!bracketed && host.find(':') != std::string_view::npos) return false;
  const std::string_view port = address.substr(colon + 1);
  int number = -1;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size() && number >= 0 &&
         number <= kLastPort;
}

std::string_view HostOf(std::string_view address) { return address.substr(0, address.rfind(':')); }

bool IsLoopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

bool IsEveryHost(std::string_view host) { return host == "0.0.0.0" || host == "[::]"; }

// Returns true if both are the same host for sure. "localhost" may be either loopback address.
bool IsSameHost(std::string_view a, std::string_view b) {
  return a == b || (a == "localhost" && IsLoopback(b)) || (b == "localhost" && IsLoopback(a));
}

}  // namespace

absl::Status CheckPortsDiffer(const std::vector<ListenAddress>& addresses) {
  for (auto one = addresses.begin(); one != addresses.end(); ++one) {
    if (one->address.empty() || PortOf(one->address) == 0) continue;
    for (auto other = one + 1; other != addresses.end(); ++other) {
      if (other->address.empty() || PortOf(one->address) != PortOf(other->address)) continue;
      const std::string_view a = HostOf(one->address);
      const std::string_view b = HostOf(other->address);
      if (!IsSameHost(a, b) && !IsEveryHost(a) && !IsEveryHost(b)) continue;
      return absl::InvalidArgumentError(
          fmt::format("{} is '{}' and {} is '{}', which is the same port; each needs its own",
                      one->field, one->address, other->field, other->address));
    }
  }
  return absl::OkStatus();
}

bool LeadsTo(std::string_view called, std::string_view own) {
  if (PortOf(called) != PortOf(own) || PortOf(own) == 0) return false;
  const std::string_view host = HostOf(called);
  return IsSameHost(host, HostOf(own)) || (IsLoopback(host) && IsEveryHost(HostOf(own)));
}

absl::Status CheckAddress(std::string_view field, std::string_view address) {
  if (IsAddress(address)) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "{} is '{}'; it must be host:port, with a port from 0 to {}", field, address, kLastPort));
}

int PortOf(std::string_view address) {
  int port = 0;
  const char* const begin = address.data() + address.rfind(':') + 1;
  std::from_chars(begin, address.data() + address.size(), port);
  return port;
}

std::string WithPort(std::string_view address, int port) {
  return fmt::format("{}:{}", address.substr(0, address.rfind(':')), port);
}

}  // namespace souvenir
