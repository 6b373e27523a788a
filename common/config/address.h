#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace souvenir {

// Checks that `address` is "host:port", with a port from 0 (any free one) to 65535. An IPv6 host
// must be in brackets. Does not check that a server can listen on it. INVALID_ARGUMENT names
// `field`, the address and the expected form.
absl::Status CheckAddress(std::string_view field, std::string_view address);

// Returns the port of `address`. REQUIRES: CheckAddress() accepts `address`.
int PortOf(std::string_view address);

// Returns `address` with its port replaced by `port`. REQUIRES: CheckAddress() accepts `address`.
std::string WithPort(std::string_view address, int port);

}  // namespace souvenir
