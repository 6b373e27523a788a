#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "cache/entry.h"
#include "cache/memory/entry_table.h"
#include "cache/memory/eviction/eviction_policy.h"
#include "common/mutex.h"

namespace souvenir::cache {

// Entries in memory, bounded in bytes; which of them make room is the eviction policy's choice.
//
// Keys are dealt out to shards, each with its own lock and its share of the limit. A hit takes no
// lock, unless the policy orders entries by hits. Thread-safe; entries are destroyed outside the
// locks.
class MemoryTier {
 public:
  static constexpr uint32_t kMostShards = 1024;

  struct Options {
    // Of keys, values and bookkeeping, as malloc counts them; 0: remembers nothing.
    size_t limit_bytes = 256u << 20;
    // A power of two, at most kMostShards, or 0: as suits the limit, with 32 MiB or more for each
    // of eight or more. An entry fits into a shard.
    uint32_t shards = 0;
    EvictionPolicy::Kind policy = EvictionPolicy::Kind::kS3Fifo;
  };

  struct Stats {
    uint64_t entries = 0;
    uint64_t bytes = 0;
    uint64_t limit_bytes = 0;
    // Entries that went or never came, by why.
    uint64_t evictions = 0;    // to make room
    uint64_t refused = 0;      // too large for a shard
    uint64_t replaced = 0;     // by a newer one of the same key
    uint64_t invalidated = 0;  // erased
  };

  // INVALID_ARGUMENT names the option that makes no sense, what came and what was expected.
  static absl::Status Check(const Options& options);

  static absl::StatusOr<std::unique_ptr<MemoryTier>> Create(const Options& options);

  ~MemoryTier();

  // The entry of that key, whatever its age and epochs; null where there is none. A hit.
  EntryPtr Lookup(const Fingerprint& key);

  // Takes `entry` in, in place of one with the same key. One that is larger than a shard's share of
  // the limit is not taken, and neither is one that is in a tier already.
  void Insert(const EntryPtr& entry);

  // True when there was one.
  bool Erase(const Fingerprint& key);

  // Drops the entries for which `dead` is true; how many they were. Takes a shard's lock for a few
  // entries at a time, under which `dead` runs; what is inserted meanwhile makes it pass over some.
  size_t EraseIf(const std::function<bool(const Entry&)>& dead);

  // Calls `visit` for each entry that is there all the while. Holds no lock meanwhile.
  void ForEach(const std::function<void(const Entry&)>& visit) const;

  Stats stats() const;

 private:
  class Shard;

  explicit MemoryTier(const Options& options);
  // Not of the bits that the tables of the shards use.
  Shard& ShardOf(const Fingerprint& key) const {
    return *shards_[key.word(1) & (shards_.size() - 1)];
  }

  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace souvenir::cache
