#include "cache/memory_tier.h"

#include <fmt/format.h>

#include <bit>
#include <utility>

#include "common/status_macros.h"

namespace souvenir::cache {
namespace {

// A node of the list, and a place in the map at its usual load.
constexpr size_t kBookkeeping = 48 + (sizeof(Fingerprint) + sizeof(void*) + 1) * 8 / 6;

size_t Charge(const Entry& entry) { return entry.charge() + kBookkeeping; }

}  // namespace

absl::Status MemoryTier::Check(const Options& options) {
  if (std::has_single_bit(options.shards) && options.shards <= 1024) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("memory.shards: {} came, a power of two up to 1024 is expected", options.shards));
}

absl::StatusOr<std::unique_ptr<MemoryTier>> MemoryTier::Create(const Options& options) {
  SOUVENIR_RETURN_IF_ERROR(Check(options));
  return std::unique_ptr<MemoryTier>(new MemoryTier(options));
}

MemoryTier::MemoryTier(const Options& options)
    : shard_limit_(options.limit_bytes / options.shards), shards_(options.shards) {}

EntryPtr MemoryTier::Lookup(const Fingerprint& key) {
  Shard& shard = ShardOf(key);
  MutexLock lock(&shard.mutex);
  const auto found = shard.entries.find(key);
  if (found == shard.entries.end()) return nullptr;
  shard.by_use.splice(shard.by_use.begin(), shard.by_use, found->second);
  return *found->second;
}

void MemoryTier::Insert(EntryPtr entry) {
  const size_t charge = Charge(*entry);
  if (charge > shard_limit_) return;
  std::vector<EntryPtr> dropped;  // destroyed outside the lock
  Shard& shard = ShardOf(entry->key);
  MutexLock lock(&shard.mutex);
  const auto [found, is_new] = shard.entries.try_emplace(entry->key);
  if (!is_new) {
    shard.bytes -= Charge(**found->second);
    dropped.push_back(std::move(*found->second));
    shard.by_use.erase(found->second);
  }
  shard.by_use.push_front(std::move(entry));
  found->second = shard.by_use.begin();
  shard.bytes += charge;
  while (shard.bytes > shard_limit_) {
    EntryPtr& oldest = shard.by_use.back();
    shard.bytes -= Charge(*oldest);
    shard.entries.erase(oldest->key);
    dropped.push_back(std::move(oldest));
    shard.by_use.pop_back();
    ++shard.evictions;
  }
}

bool MemoryTier::Erase(const Fingerprint& key) {
  EntryPtr dropped;  // destroyed outside the lock
  Shard& shard = ShardOf(key);
  MutexLock lock(&shard.mutex);
  const auto found = shard.entries.find(key);
  if (found == shard.entries.end()) return false;
  dropped = std::move(*found->second);
  shard.bytes -= Charge(*dropped);
  shard.by_use.erase(found->second);
  shard.entries.erase(found);
  return true;
}

size_t MemoryTier::EraseIf(const std::function<bool(const Entry&)>& dead) {
  size_t erased = 0;
  for (Shard& shard : shards_) {
    std::list<EntryPtr> dropped;  // destroyed outside the lock
    MutexLock lock(&shard.mutex);
    for (auto it = shard.by_use.begin(); it != shard.by_use.end();) {
      const auto next = std::next(it);
      if (dead(**it)) {
        shard.bytes -= Charge(**it);
        shard.entries.erase((*it)->key);
        dropped.splice(dropped.end(), shard.by_use, it);
      }
      it = next;
    }
    erased += dropped.size();
  }
  return erased;
}

MemoryTier::Stats MemoryTier::stats() const {
  Stats stats;
  stats.limit_bytes = shard_limit_ * shards_.size();
  for (const Shard& shard : shards_) {
    MutexLock lock(&shard.mutex);
    stats.entries += shard.entries.size();
    stats.bytes += shard.bytes;
    stats.evictions += shard.evictions;
  }
  return stats;
}

}  // namespace souvenir::cache
