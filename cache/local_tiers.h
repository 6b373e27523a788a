#pragma once

#include <vector>

#include "cache/tier.h"
#include "cache/tiered_cache.h"
#include "common/executor.h"

namespace souvenir::cache {

// The memory tier of a cache, for the cached path.
class MemoryLookup final : public Tier {
 public:
  explicit MemoryLookup(TieredCache* cache) : cache_(cache) {}

  FlightSource source() const override { return FlightSource::kMemory; }
  Reply TryLookup(const Fingerprint& key, ReadBudget* budget, EntryPtr* entry) override;
  // Has no keys that need it: always false.
  bool Lookup(std::vector<Fingerprint> keys, Found found) override;

 private:
  TieredCache* const cache_;
};

// The disk tier of a cache. What is found goes into memory too. Files that the kernel has in its
// page cache are read at once, as far as the budget goes; the others by threads of `readers`.
class DiskLookup final : public Tier {
 public:
  // Both must outlive this object. `cache` may be without a disk tier, and then has nothing.
  DiskLookup(TieredCache* cache, Executor* readers) : cache_(cache), readers_(readers) {}

  FlightSource source() const override { return FlightSource::kDisk; }
  Reply TryLookup(const Fingerprint& key, ReadBudget* budget, EntryPtr* entry) override;
  bool Lookup(std::vector<Fingerprint> keys, Found found) override;

 private:
  TieredCache* const cache_;
  Executor* const readers_;
};

}  // namespace souvenir::cache
