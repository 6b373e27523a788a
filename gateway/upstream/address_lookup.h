#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace souvenir::gateway {

// Where one compute service is, and what the configuration calls it: "compute.svc:8011" may stand
// for many.
struct EndpointAddress {
  std::string name;     // as configured, "host:port"
  std::string address;  // numeric: "10.0.0.7:8011", "[2001:db8::7]:8011"
  // There when its name was first looked up: it may have been there for long, and what it has
  // loaded may be old.
  bool from_start = true;
};

// Whether `name`, "host:port", needs no looking up.
bool IsNumericAddress(std::string_view name);

// The numeric addresses, IPv4 and IPv6, that "host:port" stands for now, sorted; at least one.
// UNAVAILABLE, naming it, where it cannot be looked up. "localhost" asks nobody. Blocks for as long
// as the system's resolver does, minutes where no name server answers: see BoundedLookup.
absl::StatusOr<std::vector<std::string>> LookUpAddresses(const std::string& name);

}  // namespace souvenir::gateway
