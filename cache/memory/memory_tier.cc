#include "cache/memory/memory_tier.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "cache/memory/read_section.h"
#include "common/status_macros.h"

namespace souvenir::cache {
namespace {

// Removed entries are freed once there are this many of them, or this share of the shard's limit in
// bytes, so that the readers' eras are not scanned for each entry.
constexpr size_t kRetiredEntries = 16;
constexpr size_t kRetiredShare = 64;  // one 64th of the limit

// Places of a shard's table that are scanned under one hold of its lock, some ten microseconds.
constexpr size_t kPlacesAtOnce = 512;

// Smallest limit of a shard if there are more than kLeastShards. A table is sometimes rebuilt under
// its shard's lock, which takes some milliseconds for the entries of 32 MiB.
constexpr size_t kShardBytes = 32u << 20;
constexpr size_t kLeastShards = 8;  // keeps threads from contending for locks

size_t ShardsFor(size_t limit_bytes) {
  return std::clamp<size_t>(std::bit_floor(limit_bytes / kShardBytes), kLeastShards,
                            MemoryTier::kMostShards);
}

}  // namespace

// A part of the keys, with its own lock and its share of the limit. Aligned so that the locks of
// two shards are not in the same cache line.
class alignas(64) MemoryTier::Shard {
 public:
  // Creates one of `shards` shards. Each bears an equal part of the bytes in `common`.
  Shard(EvictionPolicy::Kind policy, size_t limit_bytes, Common* common, size_t shards)
      : common_(common),
        shards_(shards),
        limit_bytes_(limit_bytes),
        policy_(EvictionPolicy::Create(policy, limit_bytes)),
        locks_hits_(policy_->orders_by_hits()) {}

  ~Shard() {
    // There are no readers any more.
    table_.ForEach([this](const Entry* entry) {
      LetGo(entry->origin());
      entry->Release();
    });
    for (const Retired& retired : retired_) retired.entry->Release();
  }

  EntryPtr Lookup(const Fingerprint& key) {
    if (!locks_hits_) {
      const ReadSection section;
      if (section.entered()) return TakeHit(table_.Find(key));
    }
    MutexLock lock(&mutex_);
    EntryPtr hit = TakeHit(table_.Find(key));
    if (locks_hits_ && hit != nullptr) policy_->OnHit(hit->node());
    return hit;
  }

  void Insert(const EntryPtr& entry) {
    Garbage garbage;
    MutexLock lock(&mutex_);
    if (entry->charge + retired_limit() > limit()) {
      ++refused_;
      return;
    }
    if (!entry->Claim()) return;
    entry->AddRef();  // reference of the table
    Hold(entry->origin());
    const Entry* const replaced = table_.Put(entry.get());
    if (auto array = table_.TakeOldArray()) {
      retired_arrays_.push_back({ReadSection::EndEra(), std::move(array)});
    }
    entry_bytes_ += entry->charge;
    if (replaced != nullptr) {
      policy_->Replace(replaced->node(), entry->node());
      Retire(replaced);
      ++replaced_;
    } else {
      policy_->Insert(entry->node());
    }
    while (bytes() - retired_bytes_ + retired_limit() > limit()) {
      const EvictionNode* const node = policy_->Evict();
      if (node == nullptr) break;
      table_.Erase(Entry::Of(node));
      Retire(Entry::Of(node));
      ++evictions_;
    }
    Collect(kRetiredEntries, retired_limit(), &garbage);
  }

  bool Erase(const Fingerprint& key) {
    Garbage garbage;
    MutexLock lock(&mutex_);
    const Entry* const entry = table_.Find(key);
    if (entry == nullptr) return false;
    Drop(entry);
    ++invalidated_;
    Collect(0, 0, &garbage);
    return true;
  }

  size_t EraseIf(const std::function<bool(const Entry&)>& dead) {
    size_t erased = 0;
    for (size_t place = 0; EraseAt(&place, dead, &erased);) {
    }
    return erased;
  }

  std::vector<EntryPtr> All() const {
    std::vector<EntryPtr> all;
    MutexLock lock(&mutex_);
    all.reserve(table_.size());
    table_.ForEach([&](const Entry* entry) { all.emplace_back(entry); });
    return all;
  }

  void AddTo(Stats* stats) const {
    MutexLock lock(&mutex_);
    stats->entries += table_.size();
    stats->bytes += bytes();
    stats->bookkeeping_bytes += bookkeeping_bytes();
    stats->limit_bytes += limit_bytes_;
    stats->evictions += evictions_;
    stats->refused += refused_;
    stats->replaced += replaced_;
    stats->invalidated += invalidated_;
  }

 private:
  struct Retired {
    uint64_t era;
    const Entry* entry;
  };
  struct RetiredArray {
    uint64_t era;
    std::unique_ptr<EntryTable::Array> array;
  };
  // Objects to free after the lock has been released.
  struct Garbage {
    std::vector<EntryPtr> entries;
    std::vector<std::unique_ptr<EntryTable::Array>> arrays;
  };

  static EntryPtr TakeHit(const Entry* entry) {
    if (entry == nullptr) return nullptr;
    entry->node()->Hit();
    return EntryPtr(entry);
  }

  // Does EraseIf() for the next kPlacesAtOnce places from `*place` on, which it advances. Returns
  // false at the end of the table.
  bool EraseAt(size_t* place, const std::function<bool(const Entry&)>& dead, size_t* erased) {
    Garbage garbage;
    std::vector<const Entry*> found;
    MutexLock lock(&mutex_);
    if (*place >= table_.places()) return false;
    table_.ForEachIn(*place, *place + kPlacesAtOnce, [&](const Entry* entry) {
      if (dead(*entry)) found.push_back(entry);
    });
    *place += kPlacesAtOnce;
    for (const Entry* const entry : found) Drop(entry);
    *erased += found.size();
    invalidated_ += found.size();
    Collect(0, 0, &garbage);
    return true;
  }

  size_t bytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return entry_bytes_ + retired_bytes_ + bookkeeping_bytes();
  }

  size_t bookkeeping_bytes() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return table_.bytes() + policy_->overhead_bytes();
  }

  size_t limit() const {
    return limit_bytes_ - std::min<uint64_t>(limit_bytes_, common_->bytes() / shards_);
  }

  void Hold(const Origin& origin) {
    if (!origin.Hold()) return;
    common_->origin_bytes.fetch_add(static_cast<int64_t>(origin.charge()),
                                    std::memory_order_relaxed);
  }
  void LetGo(const Origin& origin) {
    if (!origin.LetGo()) return;
    common_->origin_bytes.fetch_sub(static_cast<int64_t>(origin.charge()),
                                    std::memory_order_relaxed);
  }

  // Returns the bytes that are kept free for retired entries.
  size_t retired_limit() const { return limit_bytes_ / kRetiredShare; }

  void Drop(const Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    policy_->Remove(entry->node());
    table_.Erase(entry);
    Retire(entry);
  }

  // Keeps the table's reference to a removed entry until no reader can be about to take one.
  void Retire(const Entry* entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    LetGo(entry->origin());
    entry_bytes_ -= entry->charge;
    retired_bytes_ += entry->charge;
    retired_.push_back({ReadSection::EndEra(), entry});
  }

  // Moves retired objects without readers into `garbage`. Does nothing below these numbers of
  // retired entries and bytes, unless an array is retired.
  void Collect(size_t entries, size_t most_bytes, Garbage* garbage)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (retired_.size() <= entries && retired_bytes_ <= most_bytes && retired_arrays_.empty()) {
      return;
    }
    const uint64_t oldest = ReadSection::OldestEra();
    size_t freed = 0;
    for (; freed < retired_.size() && retired_[freed].era < oldest; ++freed) {
      retired_bytes_ -= retired_[freed].entry->charge;
      garbage->entries.push_back(EntryPtr::Adopt(retired_[freed].entry));
    }
    retired_.erase(retired_.begin(), retired_.begin() + static_cast<ptrdiff_t>(freed));
    while (!retired_arrays_.empty() && retired_arrays_.front().era < oldest) {
      garbage->arrays.push_back(std::move(retired_arrays_.front().array));
      retired_arrays_.erase(retired_arrays_.begin());
    }
  }

  Common* const common_;
  const size_t shards_;
  const size_t limit_bytes_;
  const std::unique_ptr<EvictionPolicy> policy_;  // called under the lock
  const bool locks_hits_;

  EntryTable table_;  // changed only under the lock

  mutable Mutex mutex_;
  size_t entry_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t retired_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<Retired> retired_ ABSL_GUARDED_BY(mutex_);  // oldest first
  std::vector<RetiredArray> retired_arrays_ ABSL_GUARDED_BY(mutex_);
  uint64_t evictions_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t replaced_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t invalidated_ ABSL_GUARDED_BY(mutex_) = 0;
};

absl::Status MemoryTier::Check(const Options& options) {
  if (options.shards == 0) return absl::OkStatus();
  if (!std::has_single_bit(options.shards) || options.shards > kMostShards) {
    return absl::InvalidArgumentError(fmt::format(
        "memory.shards is {}; it must be a power of two of at most {}, or 0 for a number that "
        "suits the limit",
        options.shards, kMostShards));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<MemoryTier>> MemoryTier::Create(const Options& options) {
  SOUVENIR_RETURN_IF_ERROR(Check(options));
  return std::unique_ptr<MemoryTier>(new MemoryTier(options));
}

MemoryTier::MemoryTier(const Options& options) {
  const size_t shards = options.shards != 0 ? options.shards : ShardsFor(options.limit_bytes);
  shards_.reserve(shards);
  for (size_t i = 0; i < shards; ++i) {
    shards_.push_back(
        std::make_unique<Shard>(options.policy, options.limit_bytes / shards, &common_, shards));
  }
}

MemoryTier::~MemoryTier() = default;

EntryPtr MemoryTier::Lookup(const Fingerprint& key) { return ShardOf(key).Lookup(key); }

void MemoryTier::Insert(const EntryPtr& entry) { ShardOf(entry->key).Insert(entry); }

bool MemoryTier::Erase(const Fingerprint& key) { return ShardOf(key).Erase(key); }

size_t MemoryTier::EraseIf(const std::function<bool(const Entry&)>& dead) {
  size_t erased = 0;
  for (const auto& shard : shards_) erased += shard->EraseIf(dead);
  return erased;
}

void MemoryTier::ForEach(const std::function<void(const Entry&)>& visit) const {
  for (const auto& shard : shards_) {
    for (const EntryPtr& entry : shard->All()) visit(*entry);
  }
}

void MemoryTier::Reserve(uint64_t bytes) {
  common_.reserved.store(bytes, std::memory_order_relaxed);
}

MemoryTier::Stats MemoryTier::stats() const {
  Stats stats;
  for (const auto& shard : shards_) shard->AddTo(&stats);
  const int64_t origins = common_.origin_bytes.load(std::memory_order_relaxed);
  stats.origin_bytes = static_cast<uint64_t>(std::max<int64_t>(0, origins));
  stats.bytes += stats.origin_bytes;
  return stats;
}

}  // namespace souvenir::cache
