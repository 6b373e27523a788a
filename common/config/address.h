#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace souvenir {

// Checks that `address` is "host:port", with a port from 0 (any free one) to 65535. An IPv6 host
// must be in brackets. Does not check that a server can listen on it. INVALID_ARGUMENT names
// `field`, the address and the expected form.
absl::Status CheckAddress(std::string_view field, std::string_view address);

// An address that a service listens on, and the name of its field. "" listens on nothing.
struct ListenAddress {
  std::string_view field;
  std::string_view address;
};

// INVALID_ARGUMENT, with the names of both fields, if two of the addresses are the same port of the
// same host, as far as that can be told without looking up names. 0.0.0.0 and [::] are all hosts.
// Port 0 is another port each time. REQUIRES: CheckAddress() accepts each that is not empty.
absl::Status CheckPortsDiffer(const std::vector<ListenAddress>& addresses);

// Returns true if a call of `called` reaches the server of this machine that listens on `own`, as
// far as that can be told without looking up names. REQUIRES: CheckAddress() accepts both.
bool LeadsTo(std::string_view called, std::string_view own);

// Returns the port of `address`. REQUIRES: CheckAddress() accepts `address`.
int PortOf(std::string_view address);

// Returns `address` with its port replaced by `port`. REQUIRES: CheckAddress() accepts `address`.
std::string WithPort(std::string_view address, int port);

}  // namespace souvenir
