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

}  // namespace

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
