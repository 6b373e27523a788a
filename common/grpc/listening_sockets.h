#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace souvenir {

// The sockets of one address that is listened on: a name may stand for several addresses.
struct ListeningSockets {
  std::vector<int> descriptors;  // the caller's to close; they do not block
  int port = 0;                  // of all of them
};

// Listens on `address`, "host:port"; port 0 is any that is free. "0.0.0.0" and "[::]" are IPv4 and
// IPv6 both, where the machine has both. UNAVAILABLE with the system's reason. Looks names up, and
// so may take a while.
absl::StatusOr<ListeningSockets> ListenOn(const std::string& address);

}  // namespace souvenir
