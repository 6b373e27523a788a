#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/connection.h"

namespace souvenir::cli {

inline constexpr char kDefaultServer[] = "127.0.0.1:8001";
inline constexpr char kDefaultAdmin[] = "127.0.0.1:8003";

// The values of the flags that every command has.
struct Settings {
  std::string server = kDefaultServer;         // public port of a gateway
  std::string admin;                           // its admin port; empty: derived from `server`
  absl::Duration timeout = absl::Seconds(30);  // of one call
  bool timeout_given = false;                  // --timeout is on the command line
  bool json = false;                           // one JSON document in one line, for programs

  Connection::Options ToServer() const;
  // For calls that take as long as their work does: without --timeout, each may take a day.
  Connection::Options ToServerForLong() const;
  Connection::Options ToAdmin() const;
};

// Returns the admin address of the service whose public address is `server`: its port plus 2, as in
// the services' defaults. Returns an empty text if that is no port.
std::string AdminAddressOf(const std::string& server);

// Returns why `address` cannot be one of a server, or an empty text if it can. An address is
// HOST:PORT, as `example` is, or one of gRPC's own ("unix:/path", "dns:///name:1").
std::string WrongAddress(const std::string& address, std::string_view example);

// Parses "30", "2.5" (seconds), "500ms" or "2m". INVALID_ARGUMENT for anything else, 0 and less
// included.
absl::StatusOr<absl::Duration> ParseTimeout(const std::string& text);

}  // namespace souvenir::cli
