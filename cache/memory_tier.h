#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "cache/entry.h"
#include "common/mutex.h"

namespace souvenir::cache {

// Entries in memory, bounded in bytes; the least recently used make room.
//
// Keys are dealt out to shards, each with its own lock and its share of the limit. Thread-safe;
// entries are destroyed outside the locks.
class MemoryTier {
 public:
  struct Options {
    size_t limit_bytes = 256u << 20;  // keys and bookkeeping included; 0: remembers nothing
    uint32_t shards = 16;             // a power of two, at most 1024
  };

  struct Stats {
    uint64_t entries = 0;
    uint64_t bytes = 0;
    uint64_t limit_bytes = 0;
    uint64_t evictions = 0;
  };

  // INVALID_ARGUMENT names the option that makes no sense, what came and what was expected.
  static absl::Status Check(const Options& options);

  static absl::StatusOr<std::unique_ptr<MemoryTier>> Create(const Options& options);

  // The entry of that key, whatever its age and epochs; null where there is none.
  EntryPtr Lookup(const Fingerprint& key);

  // Takes `entry` in, in place of one with the same key. One that is larger than a shard's share of
  // the limit is not taken.
  void Insert(EntryPtr entry);

  // True when there was one.
  bool Erase(const Fingerprint& key);

  // Drops the entries for which `dead` is true; how many they were. `dead` runs under a shard's
  // lock.
  size_t EraseIf(const std::function<bool(const Entry&)>& dead);

  Stats stats() const;

 private:
  struct Shard {
    mutable Mutex mutex;
    std::list<EntryPtr> by_use ABSL_GUARDED_BY(mutex);  // the most recently used first
    absl::flat_hash_map<Fingerprint, std::list<EntryPtr>::iterator> entries ABSL_GUARDED_BY(mutex);
    size_t bytes ABSL_GUARDED_BY(mutex) = 0;
    uint64_t evictions ABSL_GUARDED_BY(mutex) = 0;
  };

  explicit MemoryTier(const Options& options);
  // Not of the bits that the maps of the shards use.
  Shard& ShardOf(const Fingerprint& key) { return shards_[key.word(1) & (shards_.size() - 1)]; }

  const size_t shard_limit_;
  std::vector<Shard> shards_;
};

}  // namespace souvenir::cache
