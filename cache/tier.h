#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <vector>

#include "cache/entry.h"
#include "cache/fingerprint.h"
#include "cache/flights.h"

namespace souvenir::cache {

// Counts the bytes that tiers read for one call on the threads that handle it. Half a millisecond's
// worth is read there; the rest of a large batch is read by the tier's own threads. Thread-safe.
class ReadBudget {
 public:
  bool is_spent() const { return read_.load(std::memory_order_relaxed) >= kMostBytes; }
  void Spend(size_t bytes) { read_.fetch_add(bytes, std::memory_order_relaxed); }

 private:
  static constexpr size_t kMostBytes = 256u << 10;
  std::atomic<size_t> read_{0};
};

// A place where an answer may be found. The cached path asks one tier after another, from the
// fastest to the slowest. A tier never gives an entry that was invalidated; whether an entry is
// still fresh is for the caller to judge.
//
// Thread-safe. Outlives all lookups.
class Tier {
 public:
  enum class Reply {
    kFound,   // the entry is there
    kAbsent,  // the tier does not have it
    kLater,   // only Lookup() can tell
  };

  virtual ~Tier() = default;

  // Returns the source of answers that are found here.
  virtual FlightSource source() const = 0;

  // Looks `key` up without waiting. Sets `*entry` if the reply is kFound.
  virtual Reply TryLookup(const Fingerprint& key, ReadBudget* budget, EntryPtr* entry) = 0;

  // Called once for each key, in their order, on one thread of the tier's own, with the index of
  // the key and its entry, or null if there is none. Must not block.
  using Found = std::function<void(size_t index, EntryPtr entry)>;

  // Looks up keys for which TryLookup() replied kLater. Returns false, and does not call `found`,
  // if the tier is too busy.
  virtual bool Lookup(std::vector<Fingerprint> keys, Found found) = 0;
};

}  // namespace souvenir::cache
