#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "cache/disk/disk_tier.h"
#include "cache/epochs.h"
#include "cache/memory/memory_tier.h"
#include "cache/origin_pool.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/periodic_thread.h"

namespace souvenir::cache {

// The scope of an invalidation.
struct InvalidateKey {
  Fingerprint key;
};
struct InvalidateTag {
  std::string tag;
};
struct InvalidateModel {
  std::string model;
};
struct InvalidateTenant {
  std::string tenant;
};
struct InvalidateAll {};
using Invalidation =
    std::variant<InvalidateKey, InvalidateTag, InvalidateModel, InvalidateTenant, InvalidateAll>;

// The memory tier and the disk tier as one cache. It never returns an invalidated entry. The caller
// decides whether an entry is fresh, because it may have a use for a stale one.
//
// Owned by the gateway. Thread-safe.
class TieredCache {
 public:
  struct Options {
    // The limit applies to both tiers: the disk tier's memory, up to a quarter of the limit, is
    // taken off.
    MemoryTier::Options memory;
    std::optional<DiskTier::Options> disk;  // nullopt: no disk tier
    Clock* clock = Clock::System();         // times the background work; outlives the cache
  };

  // See DiskTier::Open() and MemoryTier::Create() for errors.
  static absl::StatusOr<std::unique_ptr<TieredCache>> Create(const Options& options);

  // Returns the entry for `key` in the memory tier, or null. Never waits for a disk.
  EntryPtr LookupMemory(const Fingerprint& key);

  // Looks `key` up in the disk tier without waiting. Sets `*entry` and adds it to memory if the
  // result is kFound.
  SegmentStore::Presence ProbeDisk(const Fingerprint& key, EntryPtr* entry);

  // Returns the entry for `key` in the disk tier, or null, and adds it to memory. Waits for the
  // disk; meant for the disk executor.
  EntryPtr ReadDisk(const Fingerprint& key);

  // Returns the shared object that equals `origin`. Call it before making an entry.
  OriginPtr SharedOrigin(const OriginPtr& origin) { return origins_.Find(origin); }

  // Adds a new answer to both tiers, unless its epochs have been advanced. Never waits for a disk.
  void Insert(const EntryPtr& entry);

  // Invalidates all entries made so far in the scope `what`. On success this holds across restarts.
  // On an error it holds, but is not durable yet. The cost does not depend on the number of
  // entries: memory is freed in the background, and disk space with the segments. Waits for the
  // disk.
  absl::Status Invalidate(const Invalidation& what);

  // Returns true if there are answers of an origin of which `matches` is true, or were until
  // lately: what was invalidated may still be in memory. Takes time in proportion to the number of
  // origins; meant for the disk executor.
  bool HasAnswersOf(absl::FunctionRef<bool(const Origin&)> matches) const {
    return origins_.HasHeld(matches) || (disk_ != nullptr && disk_->HasLiveOrigin(matches));
  }

  // Calls `visit` for each entry of the tiers, until it returns false. A key may come twice: from
  // disk, and then with another answer from memory. Waits for the disk.
  absl::Status Export(const std::function<bool(const Entry& entry)>& visit);

  // Adds an entry of another cache. `epochs` is a copy of this cache's epochs from before the
  // import began, so that later invalidations apply to the entry. Returns false if the entry has
  // been invalidated, or if this cache has an entry of the same key that is at least as new. An
  // entry dated after `now` counts as older than any that is not. Waits for the disk.
  bool Import(Entry::Fields entry, const EpochTable& epochs, absl::Time now);

  // Waits until everything that was inserted so far has been written to disk or dropped.
  void Flush();

  // Writes the queued entries and ends the disk tier's thread. Idempotent.
  void Stop();

  bool has_disk() const { return disk_ != nullptr; }
  // Returns the figures of the disk tier; nullopt if there is none.
  std::optional<DiskTier::Stats> disk_stats() const;
  // Returns false while the disk tier is out of service, and if there is none.
  bool is_disk_healthy() const { return disk_ != nullptr && disk_->healthy(); }
  const MemoryTier& memory() const { return *memory_; }
  const EpochTable& epochs() const { return *epochs_; }

 private:
  TieredCache(std::unique_ptr<EpochTable> epochs, std::unique_ptr<MemoryTier> memory,
              std::unique_ptr<DiskTier> disk, Clock* clock);

  // Adds `entry` to memory and returns it. Returns null if it is null or invalidated.
  EntryPtr Promote(EntryPtr entry);

  const std::unique_ptr<EpochTable> epochs_;
  OriginPool origins_;
  const std::unique_ptr<MemoryTier> memory_;
  const std::unique_ptr<DiskTier> disk_;  // null: no disk tier
  Mutex invalidate_mutex_;  // serialises invalidations, so that each has its own epoch
  PeriodicThread sweeper_;  // frees invalidated entries; uses the members above
};

}  // namespace souvenir::cache
