#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cli/connection.h"

namespace souvenir::cli {

// What every command is told.
struct Settings {
  std::string server = "127.0.0.1:8001";       // public port of a gateway
  std::string admin = "127.0.0.1:8003";        // admin port of a gateway
  absl::Duration timeout = absl::Seconds(30);  // of one call
  bool json = false;                           // one JSON document in one line, for programs

  Connection::Options ToServer() const { return {server, "--server", timeout}; }
  Connection::Options ToAdmin() const { return {admin, "--admin", timeout}; }
};

// "30", "2.5" (seconds), "500ms", "2m". INVALID_ARGUMENT for anything else, 0 and less included.
absl::StatusOr<absl::Duration> ParseTimeout(const std::string& text);

}  // namespace souvenir::cli
