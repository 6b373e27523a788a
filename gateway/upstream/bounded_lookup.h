#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/clock.h"
#include "gateway/upstream/address_lookup.h"

namespace souvenir::gateway {

// Looks names up, with a limit to how long its caller waits. The system's resolver has none that a
// program could set: where no name server answers it blocks for minutes, and it cannot be called
// off. So each lookup runs on a thread of its own, which is left to itself when the limit has
// passed. A name has one lookup under way at the most: the next caller waits for the same one, so
// that a resolver that takes longer than the limit still serves.
//
// Owned by an AddressWatcher. LookUpAll() is for one thread, Stop() for any. A lookup that is left
// to itself outlives this object, and touches nothing but what it shares with the others.
class BoundedLookup {
 public:
  using Addresses = absl::StatusOr<std::vector<std::string>>;
  // Called on many threads, and perhaps after this object has gone: what it refers to must live as
  // long as it does.
  using LookUp = std::function<Addresses(const std::string& name)>;

  struct Options {
    absl::Duration limit = absl::Seconds(5);  // of one LookUpAll()
    LookUp look_up = LookUpAddresses;
    Clock* clock = Clock::System();  // times the limit; outlives this object
  };

  explicit BoundedLookup(Options options);
  // Leaves what is under way to itself. REQUIRES: no LookUpAll() is under way.
  ~BoundedLookup() { Stop(); }

  // Looks all names up at the same time; an answer for each, in their order. UNAVAILABLE, naming
  // it, for a name without an answer when the limit has passed. Empty once Stop() was called.
  // REQUIRES: no name comes twice.
  std::vector<Addresses> LookUpAll(absl::Span<const std::string> names);

  // Ends the wait of LookUpAll(), now and from now on. Idempotent.
  void Stop();

 private:
  struct Shared;

  void Begin(const std::string& name);

  const Options options_;
  const std::shared_ptr<Shared> shared_;
};

}  // namespace souvenir::gateway
