#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace souvenir {

// The sockets that listen on one host:port. There are several if the host is a name with several
// addresses.
struct ListeningSockets {
  std::vector<int> descriptors;  // non-blocking; the caller closes them
  int port = 0;                  // of all of them
};

// Listens on `address`, "host:port"; port 0 is any that is free. "0.0.0.0" and "[::]" both mean
// IPv4 and IPv6, if the machine has both. UNAVAILABLE with the system's reason. Blocks while it
// looks up a name.
absl::StatusOr<ListeningSockets> ListenOn(const std::string& address);

}  // namespace souvenir
