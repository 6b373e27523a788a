#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "cache/entry.h"
#include "common/mutex.h"

namespace souvenir::cache {

// The place where a flight's answer was found. It holds for the first waiter; the others are
// coalesced.
enum class FlightSource { kMemory, kDisk, kShared, kUpstream };

struct FlightResult {
  absl::Status status;
  // The answer. If `status` is an error: an older answer for waiters that accept a stale one, or
  // null.
  EntryPtr entry;
  FlightSource source = FlightSource::kUpstream;
};

// A computation under way for one fingerprint. The table, the computing caller and the handles of
// the waiters share it. The table's mutex guards its state.
class Flight {
 public:
  const Fingerprint& key() const { return key_; }
  // Returns the epochs under which the flight began, which its answer carries.
  const EpochStamp& epochs() const { return epochs_; }

 private:
  friend class FlightTable;
  using WaiterId = uint64_t;
  using Waiter = absl::AnyInvocable<void(const FlightResult&) &&>;

  Flight(const Fingerprint& key, EpochStamp epochs) : key_(key), epochs_(std::move(epochs)) {}

  const Fingerprint key_;
  const EpochStamp epochs_;
  // Guarded by the table's mutex.
  std::vector<std::pair<WaiterId, Waiter>> waiters_;
  std::function<void()> on_waiting_;
  bool ended_ = false;
};

using FlightPtr = std::shared_ptr<Flight>;

// Ensures that no question is computed twice at the same time.
//
// Every caller with a question calls Join(). The caller whose Join() started the flight computes
// the answer and ends the flight with Land() or Abandon():
//
//   table.Join(key, epochs, waiter)   -> started: compute, then table.Land(flight, result)
//                                     -> joined: `waiter` gets the result of the other caller
//
// Waiters are called exactly once, unless they leave, on the thread that lands the flight and
// outside the lock. Flights and waiters are bounded by Options.
//
// Owned by the resolver. Thread-safe. The epochs must outlive it.
class FlightTable {
 public:
  using Waiter = Flight::Waiter;
  using WaiterId = Flight::WaiterId;

  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    size_t max_flights = 65'536;
    size_t max_waiters = 262'144;
  };

  struct Stats {
    uint64_t in_progress = 0;  // flights that have not ended
    uint64_t waiters = 0;      // waiters of those flights
    uint64_t started = 0;      // flights started so far
    uint64_t joined = 0;       // waiters that joined a flight started by another
    // Landed flights by their number of waiters: index i counts those with at most 2^i (and more
    // than 2^(i-1)) waiters, the last index also those with more.
    std::array<uint64_t, 14> landed_by_waiters{};
    uint64_t answered = 0;  // waiters of all landed flights
  };

  struct Joined {
    FlightPtr flight;
    WaiterId waiter = 0;
    bool started = false;  // true if the call started the flight, so that the caller computes
    // Not null if nobody waited for the flight before. The caller runs it, outside its own locks.
    std::function<void()> on_waiting;
  };

  FlightTable(const Options& options, const EpochTable* epochs)
      : options_(options), epochs_(epochs) {}

  // Joins the flight of `key` if it began under the present epochs; otherwise starts a new one with
  // `epochs`, the present epochs of the question. A flight that began under older epochs accepts no
  // more waiters but still answers those it has. RESOURCE_EXHAUSTED, with numbers, at a bound.
  absl::StatusOr<Joined> Join(const Fingerprint& key, EpochStamp epochs, Waiter waiter);

  // Starts a flight of `key` that others may join. Returns nullopt if one is under way under the
  // present epochs, and at a bound.
  std::optional<Joined> BeginIfNone(const Fingerprint& key, EpochStamp epochs, Waiter waiter);

  // Starts a flight that nobody can join, for a caller that must not share an answer.
  // RESOURCE_EXHAUSTED, with numbers, at a bound.
  absl::StatusOr<Joined> FlyAlone(const Fingerprint& key, EpochStamp epochs, Waiter waiter);

  // Registers a callback. It runs whenever the last waiter leaves before the flight has landed, on
  // the thread of that waiter and outside the lock, and at once if nobody waits. It also runs
  // whenever a waiter joins a flight that nobody waited for. The computing caller may end a
  // deserted flight with Abandon(), or go on: the flight can be joined until it lands. Does nothing
  // if the flight has ended. Called by the computing caller.
  void WhenWaitersChange(const FlightPtr& flight, std::function<void()> callback);

  // Returns true if nobody waits for any of `flights`. They may have ended.
  bool AreDeserted(absl::Span<const FlightPtr> flights) const;

  // Removes a waiter. Returns true if it will not be called; false if it was or will be called.
  bool Leave(const FlightPtr& flight, WaiterId waiter);

  // Ends the flights if nobody waits for any of them. Otherwise changes nothing and returns false.
  bool Abandon(absl::Span<const FlightPtr> flights);

  // Ends the flight and calls its waiters, on the calling thread. Does nothing if it has ended.
  void Land(const FlightPtr& flight, const FlightResult& result);

  Stats stats() const;

 private:
  absl::StatusOr<FlightPtr> Begin(const Fingerprint& key, EpochStamp epochs)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckWaiters() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  WaiterId AddWaiter(Flight& flight, Waiter waiter) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CountLanding(size_t waiters) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Remove(const FlightPtr& flight) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Options options_;
  const EpochTable* const epochs_;

  mutable Mutex mutex_;
  absl::flat_hash_map<Fingerprint, FlightPtr> flights_ ABSL_GUARDED_BY(mutex_);
  WaiterId next_waiter_ ABSL_GUARDED_BY(mutex_) = 1;
  Stats stats_ ABSL_GUARDED_BY(mutex_);  // in_progress includes flights that are not in flights_
};

}  // namespace souvenir::cache
