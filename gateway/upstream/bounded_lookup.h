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

// Looks up names, and limits how long its caller waits. The system's resolver has no such limit: if
// no name server answers it blocks for minutes, and cannot be cancelled. So each lookup runs on a
// thread of its own, which is left running when the limit has passed. A name has at most one lookup
// under way; a later call waits for the same one, so that a resolver slower than the limit still
// serves.
//
// Owned by an AddressWatcher. LookUpAll() is for one thread, Stop() for any. A lookup that is left
// running outlives this object, and only touches what it shares with the other lookups.
class BoundedLookup {
 public:
  using Addresses = absl::StatusOr<std::vector<std::string>>;
  // Called on many threads, perhaps after this object is destroyed; whatever it refers to must live
  // as long as the function itself.
  using LookUp = std::function<Addresses(const std::string& name)>;

  // Set by code alone, so the bounds are the caller's to keep.
  struct Options {
    absl::Duration limit = absl::Seconds(5);  // of one LookUpAll()
    LookUp look_up = LookUpAddresses;
    Clock* clock = Clock::System();  // times the limit; outlives this object
  };

  explicit BoundedLookup(Options options);
  // Leaves the lookups under way running. REQUIRES: no LookUpAll() is under way.
  ~BoundedLookup() { Stop(); }

  // Looks up all names at the same time, and returns an answer for each, in their order.
  // UNAVAILABLE names a name without an answer within the limit. Returns an empty list once Stop()
  // was called. REQUIRES: no name comes twice.
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
