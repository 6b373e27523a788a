#pragma once

#include <netdb.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"

namespace souvenir {

struct FreeHostAddresses {
  void operator()(addrinfo* addresses) const { freeaddrinfo(addresses); }
};
// Addresses as getaddrinfo() returns them; at least one.
using HostAddresses = std::unique_ptr<addrinfo, FreeHostAddresses>;

// Set by code alone.
struct HostLookupOptions {
  absl::Duration limit = absl::Seconds(5);
  // Looks up like getaddrinfo(). May be called on another thread, and return after LookUpHost().
  std::function<int(const char* host, const char* port, const addrinfo* hints, addrinfo** found)>
      look_up = getaddrinfo;
  Clock* clock = Clock::System();  // times the limit
};

// Returns the addresses to listen on for `host` and `port`, a number. An empty host stands for
// every address of this machine. UNAVAILABLE, with the resolver's reason, if there is none, and if
// a name is not looked up within the limit: the system's resolver blocks for minutes if no name
// server answers. The lookup is then left running on a thread of its own. Blocks, but not for a
// numeric host.
absl::StatusOr<HostAddresses> LookUpHost(const std::string& host, const std::string& port,
                                         const HostLookupOptions& options = {});

}  // namespace souvenir
