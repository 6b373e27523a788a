#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/periodic_thread.h"
#include "gateway/upstream/address_lookup.h"
#include "gateway/upstream/bounded_lookup.h"

namespace souvenir::gateway {

// Follows the addresses of the servers that the configuration names. A thread of its own, "names",
// looks the names up again and again; there is no thread if all addresses are numeric. A name whose
// lookup fails keeps its addresses. All names are looked up side by side, so that a name without an
// answer delays the others by at most `lookup.limit`.
//
// Owned by the gateway. Thread-safe.
class AddressWatcher {
 public:
  // Receives all present addresses, in the order of the names, without duplicates. Called with the
  // numeric addresses before the constructor returns, and then on the thread after each lookup,
  // even if nothing has changed.
  using Listener = std::function<void(std::vector<EndpointAddress>)>;

  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    std::vector<std::string> names;  // "host:port", names and numeric addresses
    absl::Duration interval = absl::Seconds(2);
    size_t most = 64;               // most addresses; further ones are ignored
    BoundedLookup::Options lookup;  // its clock times the interval, too
  };

  AddressWatcher(Options options, Listener listener);

  // Ends the lookups. Does not wait for a name server. Idempotent.
  void Stop();

 private:
  struct Name {
    std::string name;
    std::vector<EndpointAddress> addresses;
    bool numeric = false;
    bool found = false;   // true once a lookup has succeeded
    bool failed = false;  // true if the last lookup failed
  };

  void LookUpNames();
  // Stores the result of a lookup in `name`, and logs a change from or to failure.
  static void Keep(const BoundedLookup::Addresses& looked, Name* name);
  void Tell() const;

  const Options options_;
  const Listener listener_;
  std::vector<Name> names_;  // used only by the thread, once it has begun
  BoundedLookup lookup_;

  std::unique_ptr<PeriodicThread> thread_;
};

}  // namespace souvenir::gateway
