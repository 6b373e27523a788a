#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "cache/disk/disk_tier.h"
#include "cache/epochs.h"
#include "cache/memory/memory_tier.h"
#include "cache/origin_pool.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "common/periodic_thread.h"

namespace souvenir::cache {

// What an invalidation is of.
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

// The tiers as one cache: what it gives was not invalidated. Whether it is still fresh is for the
// caller, who may have a use for what is not.
//
// Owned by the gateway. Thread-safe.
class TieredCache {
 public:
  struct Options {
    // Its limit is for both tiers: what the disk tier keeps in memory, up to a quarter of it, is
    // taken off.
    MemoryTier::Options memory;
    std::optional<DiskTier::Options> disk;  // nothing: no disk tier
    Clock* clock = Clock::System();         // times the background work; outlives the cache
  };

  // Errors as DiskTier::Open and MemoryTier::Create.
  static absl::StatusOr<std::unique_ptr<TieredCache>> Create(const Options& options);

  // An entry of the memory tier; null where there is none. Never waits for a disk.
  EntryPtr LookupMemory(const Fingerprint& key);

  // The same of the disk tier, as far as that can be told without waiting. What is found goes into
  // memory too.
  SegmentStore::Presence ProbeDisk(const Fingerprint& key, EntryPtr* entry);

  // The same, waiting for the disk: for the disk executor.
  EntryPtr ReadDisk(const Fingerprint& key);

  // The origin that entries have which are equal to this one: for whoever is about to make one.
  OriginPtr SharedOrigin(const OriginPtr& origin) { return origins_.Find(origin); }

  // Takes a new answer into both tiers, unless its epochs have moved on.
  void Insert(const EntryPtr& entry);

  // Kills what was made before; when it returns that holds across restarts. As much work whatever
  // there is: entries that are dead are dropped from memory in the background, and from disk with
  // their segments. Waits for the disk. An error means: done in memory, but not durable.
  absl::Status Invalidate(const Invalidation& what);

  // Calls `visit` for each entry of the tiers, until it returns false. A key may come twice, from
  // disk and then, with another answer, from memory. Waits for the disk.
  absl::Status Export(const std::function<bool(const Entry& entry)>& visit);

  // Takes in the entry of another cache, as if it had been made under `epochs`: a copy of this
  // cache's from before the import began, so that an invalidation meanwhile holds for it. False
  // where it was invalidated, or what is known is at least as new; one that is dated after `now` is
  // older than any that is not. Waits for the disk.
  bool Import(Entry::Fields entry, const EpochTable& epochs, absl::Time now);

  // Waits until everything that was inserted so far has been written to disk or dropped.
  void Flush();

  // Writes out what is queued. Idempotent.
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

  // `entry`, which goes into memory, unless it is null or invalidated.
  EntryPtr Promote(EntryPtr entry);

  const std::unique_ptr<EpochTable> epochs_;
  OriginPool origins_;
  const std::unique_ptr<MemoryTier> memory_;
  const std::unique_ptr<DiskTier> disk_;  // null: no disk tier
  Mutex invalidate_mutex_;                // one at a time, so that each has an epoch of its own
  PeriodicThread sweeper_;                // frees the memory of what is dead; uses the rest
};

}  // namespace souvenir::cache
