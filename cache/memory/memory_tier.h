#pragma once

#include <algorithm>
#include <atomic>
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

// The entries in memory, bounded in bytes. An eviction policy chooses the entries to evict.
//
// Keys are distributed over shards, each with its own lock and its share of the limit. A hit takes
// no lock, unless the policy orders entries by hits. Entries are destroyed outside the locks.
//
// Owned by the tiered cache. Thread-safe.
class MemoryTier {
 public:
  static constexpr uint32_t kMostShards = 1024;

  struct Options {
    // Limit for keys, values, origins and bookkeeping in bytes, as malloc counts them; 0 to keep
    // nothing.
    size_t limit_bytes = 256u << 20;
    // A power of two of at most kMostShards, or 0 for at least eight shards, more if each has at
    // least 32 MiB. An entry must fit into a shard.
    uint32_t shards = 0;
    EvictionPolicy::Kind policy = EvictionPolicy::Kind::kS3Fifo;
  };

  struct Stats {
    uint64_t entries = 0;
    uint64_t bytes = 0;  // origins included
    // Part of `bytes`: tables, and the lists of the policy. An empty tier has some of them too.
    uint64_t bookkeeping_bytes = 0;
    uint64_t origin_bytes = 0;
    uint64_t limit_bytes = 0;
    // Entries that left or were refused, by reason.
    uint64_t evictions = 0;    // evicted to make room
    uint64_t refused = 0;      // too large for a shard
    uint64_t replaced = 0;     // replaced by a newer entry of the same key
    uint64_t invalidated = 0;  // erased by Erase() or EraseIf()
  };

  // Checks options. INVALID_ARGUMENT names the option, its value and the expected values.
  static absl::Status Check(const Options& options);

  // See Check() for errors.
  static absl::StatusOr<std::unique_ptr<MemoryTier>> Create(const Options& options);

  ~MemoryTier();

  // Returns the entry for `key`, even if it is stale or invalidated, or null. Counts as a hit.
  EntryPtr Lookup(const Fingerprint& key);

  // Adds `entry`, in place of one with the same key. Ignores an entry that is larger than a shard's
  // share of the limit, or that is or was in a memory tier.
  void Insert(const EntryPtr& entry);

  // Removes the entry for `key`. Returns false if there is none.
  bool Erase(const Fingerprint& key);

  // Removes the entries for which `dead` returns true, and returns their number. Calls `dead` under
  // a shard's lock, which is held for some places at a time. May miss entries if others are
  // inserted concurrently.
  size_t EraseIf(const std::function<bool(const Entry&)>& dead);

  // Calls `visit` for each entry that stays in the tier during the call. May visit others. Holds no
  // lock while it calls `visit`.
  void ForEach(const std::function<void(const Entry&)>& visit) const;

  // Reserves `bytes` of the limit for data that others keep beside the entries, in place of the
  // bytes reserved before.
  void Reserve(uint64_t bytes);

  Stats stats() const;

 private:
  class Shard;
  // State that all shards share.
  struct Common {
    // Bytes of the origins of all entries. There may be as many tenants as entries. Briefly below 0
    // if an origin's last entry goes while a new first one comes.
    std::atomic<int64_t> origin_bytes{0};
    std::atomic<uint64_t> reserved{0};

    uint64_t bytes() const {
      return reserved.load(std::memory_order_relaxed) +
             static_cast<uint64_t>(
                 std::max<int64_t>(0, origin_bytes.load(std::memory_order_relaxed)));
    }
  };

  explicit MemoryTier(const Options& options);
  // Uses other bits of the key than the tables of the shards.
  Shard& ShardOf(const Fingerprint& key) const {
    return *shards_[key.word(1) & (shards_.size() - 1)];
  }

  Common common_;
  std::vector<std::unique_ptr<Shard>> shards_;
};

}  // namespace souvenir::cache
