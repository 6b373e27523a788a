#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace souvenir {

// Whether `address` is "host:port", with a port from 0 (any that is free) to 65535; an IPv6 host
// stands in brackets. INVALID_ARGUMENT names `field`, what came and what was expected. Whether it
// can be listened on is not asked.
absl::Status CheckAddress(std::string_view field, std::string_view address);

// The port of `address`. REQUIRES: CheckAddress(address) is OK.
int PortOf(std::string_view address);

// `address` with `port` in place of its own. REQUIRES: CheckAddress(address) is OK.
std::string WithPort(std::string_view address, int port);

}  // namespace souvenir
