#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace souvenir::gateway {

// The address of one compute service, and its name in the configuration. A name such as
// "compute.svc:8011" may stand for many addresses.
struct EndpointAddress {
  std::string name;     // as configured, "host:port"
  std::string address;  // numeric: "10.0.0.7:8011", "[2001:db8::7]:8011"
  // True if the address was in the first answer for its name. The service may then have run for
  // long, and its models may be old.
  bool from_start = true;
};

// Returns true if `name`, "host:port", needs no lookup.
bool IsNumericAddress(std::string_view name);

// Returns the numeric addresses, IPv4 and IPv6, of "host:port" now, sorted; at least one.
// UNAVAILABLE names it if the lookup fails. For "localhost" no name server is asked. Blocks as long
// as the system's resolver does, which is minutes if no name server answers: see BoundedLookup.
absl::StatusOr<std::vector<std::string>> LookUpAddresses(const std::string& name);

}  // namespace souvenir::gateway
