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

// Where a flight's answer was found, for its first waiter; all others were coalesced.
enum class FlightSource { kMemory, kDisk, kUpstream };

struct FlightResult {
  absl::Status status;
  // The answer. Where status is an error: one that was good once, and may serve those who would
  // take it rather than an error; or null.
  EntryPtr entry;
  FlightSource source = FlightSource::kUpstream;
};

// One computation under way for one fingerprint. Shared by the table, by whoever computes, and by
// the handles of its waiters. What it holds belongs to the table.
class Flight {
 public:
  const Fingerprint& key() const { return key_; }
  // The epochs under which it began; its answer carries them.
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
  std::function<void()> on_deserted_;
  bool ended_ = false;
};

using FlightPtr = std::shared_ptr<Flight>;

// Sees to it that no question is computed twice at once.
//
// Whoever asks joins; the one whose Join() began the flight computes, and ends it with Land().
// Waiters are called on the thread that lands the flight, outside the lock.
//
// Thread-safe. Bounded: see Options.
class FlightTable {
 public:
  using Waiter = Flight::Waiter;
  using WaiterId = Flight::WaiterId;

  struct Options {
    size_t max_flights = 65'536;
    size_t max_waiters = 262'144;
  };

  struct Stats {
    uint64_t in_progress = 0;
    uint64_t waiters = 0;
    uint64_t started = 0;
    uint64_t joined = 0;
    // Flights that have landed, by how many waited then: at most 2^i at i, more at the end.
    std::array<uint64_t, 14> landed_by_waiters{};
    uint64_t answered = 0;  // waiters of all that have landed
  };

  struct Joined {
    FlightPtr flight;
    WaiterId waiter = 0;
    bool started = false;  // this call began the flight: the caller computes, and calls Land()
  };

  FlightTable(const Options& options, const EpochTable* epochs)
      : options_(options), epochs_(epochs) {}

  // Joins the flight of `key` if it began under the present epochs, else begins one; one that
  // began earlier is joined by nobody more, and still answers those who wait for it. `epochs` are
  // those that hold now for the question. RESOURCE_EXHAUSTED, with numbers, at the bounds.
  absl::StatusOr<Joined> Join(const Fingerprint& key, EpochStamp epochs, Waiter waiter);

  // Begins a flight of `key` that others may join, unless one is under way: nothing then, and at
  // the bounds.
  std::optional<Joined> BeginIfNone(const Fingerprint& key, EpochStamp epochs, Waiter waiter);

  // Begins a flight that nobody can join, for those who do not want what others get.
  absl::StatusOr<Joined> FlyAlone(const Fingerprint& key, EpochStamp epochs, Waiter waiter);

  // Has `callback` called, on the thread of whoever leaves, when the last waiter has left before
  // the flight landed; at once if that is so already. It may then be given up with Abandon().
  // Called by the one who computes.
  void OnDeserted(const FlightPtr& flight, std::function<void()> callback);

  // Takes a waiter out: true when its callback will not be called, false when that happens anyway.
  bool Leave(const FlightPtr& flight, WaiterId waiter);

  // Ends those flights if nobody waits for any of them; false, changing nothing, if somebody does.
  bool Abandon(absl::Span<const FlightPtr> flights);

  // Ends the flight and calls its waiters. Does nothing for one that has ended.
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
  Stats stats_ ABSL_GUARDED_BY(mutex_);  // in_progress has those that are joined no more, too
};

}  // namespace souvenir::cache
