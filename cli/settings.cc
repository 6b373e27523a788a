#include "cli/settings.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "absl/strings/numbers.h"
#include "common/config/address.h"

namespace souvenir::cli {
namespace {

// A day is beyond any use and within what a deadline can say.
constexpr absl::Duration kLongestTimeout = absl::Hours(24);
constexpr int kAdminPortOffset = 2;
constexpr int kLastPort = 65535;
constexpr std::array<std::string_view, 5> kGrpcSchemes = {"unix:", "unix-abstract:", "dns:///",
                                                          "ipv4:", "ipv6:"};

}  // namespace

Connection::Options Settings::ToServer() const {
  return {.address = server,
          .flag = "--server",
          .port_name = fmt::format("A gateway's public port ({} by default)", kDefaultServer),
          .timeout = timeout};
}

Connection::Options Settings::ToServerForLong() const {
  Connection::Options options = ToServer();
  if (!timeout_given) options.timeout = kLongestTimeout;
  return options;
}

Connection::Options Settings::ToAdmin() const {
  Connection::Options options = {
      .address = admin,
      .flag = "--admin",
      .port_name = fmt::format("A gateway's admin port ({} by default)", kDefaultAdmin),
      .timeout = timeout};
  if (admin.empty()) {
    options.address = AdminAddressOf(server);
    options.derivation =
        fmt::format("its port is that of --server {} plus {}", server, kAdminPortOffset);
  }
  return options;
}

std::string AdminAddressOf(const std::string& server) {
  if (!CheckAddress("", server).ok()) return "";
  const int port = PortOf(server) + kAdminPortOffset;
  return PortOf(server) == 0 || port > kLastPort ? "" : WithPort(server, port);
}

std::string WrongAddress(const std::string& address, std::string_view example) {
  for (const std::string_view scheme : kGrpcSchemes) {
    if (address.starts_with(scheme)) return "";
  }
  if (const size_t scheme = address.find("://"); scheme != std::string::npos) {
    return fmt::format("'{}' came, HOST:PORT is expected, without {}", address,
                       address.substr(0, scheme + 3));
  }
  if (CheckAddress("", address).ok()) return "";
  return fmt::format("'{}' came, HOST:PORT is expected, as in {}", address, example);
}

absl::StatusOr<absl::Duration> ParseTimeout(const std::string& text) {
  absl::Duration timeout;
  double seconds = 0;
  if (absl::SimpleAtod(text, &seconds)) {
    timeout = absl::Seconds(seconds);
  } else if (!absl::ParseDuration(text, &timeout)) {
    return absl::InvalidArgumentError(fmt::format(
        "'{}' is no time; expected seconds, or a number with a unit as in 500ms", text));
  }
  if (!(timeout > absl::ZeroDuration()) || timeout > kLongestTimeout) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is out of range; expected more than 0 and at most 24h", text));
  }
  return timeout;
}

}  // namespace souvenir::cli
