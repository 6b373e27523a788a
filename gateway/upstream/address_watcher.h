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

// Knows at which addresses the servers are that the configuration names. Names are looked up again
// and again on a thread of its own, "names", which is there only where there are names; one that
// cannot be looked up keeps the addresses it had. All names are looked up side by side, so that one
// without an answer delays the others by no more than `lookup.limit`.
//
// Owned by the gateway. Thread-safe.
class AddressWatcher {
 public:
  // All addresses there are now: those of the first name first, each once. Called before the
  // constructor returns with those that are numeric, and then on the thread after each look,
  // whether anything changed or not.
  using Listener = std::function<void(std::vector<EndpointAddress>)>;

  struct Options {
    std::vector<std::string> names;  // "host:port", names and numeric addresses
    absl::Duration interval = absl::Seconds(2);
    size_t most = 64;  // addresses; more that names stand for are left out
    BoundedLookup::Options lookup;  // its clock times the interval too
  };

  AddressWatcher(Options options, Listener listener);

  // Looks no more. Does not wait for a name server. Idempotent.
  void Stop();

 private:
  struct Name {
    std::string name;
    std::vector<EndpointAddress> addresses;
    bool numeric = false;
    bool found = false;   // was looked up with success before
    bool failed = false;  // the last look failed
  };

  void LookUpNames();
  // What the last look found for one name.
  static void Keep(const BoundedLookup::Addresses& looked, Name* name);
  void Tell() const;

  const Options options_;
  const Listener listener_;
  std::vector<Name> names_;  // the thread's, once it has begun
  BoundedLookup lookup_;

  std::unique_ptr<PeriodicThread> thread_;
};

}  // namespace souvenir::gateway
