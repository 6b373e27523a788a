#pragma once

#include <vector>

#include "cache/tier.h"
#include "cache/tiered_cache.h"
#include "common/executor.h"

namespace souvenir::cache {

// The memory tier of a cache as a Tier.
class MemoryLookup final : public Tier {
 public:
  explicit MemoryLookup(TieredCache* cache) : cache_(cache) {}

  FlightSource source() const override { return FlightSource::kMemory; }
  Reply TryLookup(const Fingerprint& key, ReadBudget* budget, EntryPtr* entry) override;
  // Returns false: TryLookup() never replies kLater.
  bool Lookup(std::vector<Fingerprint> keys, Found found) override;

 private:
  TieredCache* const cache_;
};

// The disk tier of a cache as a Tier. Entries that are found also go into memory. Records in the
// kernel's page cache are read at once, as far as the budget goes; threads of `readers` read the
// others.
class DiskLookup final : public Tier {
 public:
  // Both must outlive this object. If `cache` has no disk tier, every key is absent.
  DiskLookup(TieredCache* cache, Executor* readers) : cache_(cache), readers_(readers) {}

  FlightSource source() const override { return FlightSource::kDisk; }
  Reply TryLookup(const Fingerprint& key, ReadBudget* budget, EntryPtr* entry) override;
  bool Lookup(std::vector<Fingerprint> keys, Found found) override;

 private:
  TieredCache* const cache_;
  Executor* const readers_;
};

}  // namespace souvenir::cache
