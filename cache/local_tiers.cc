#include "cache/local_tiers.h"

#include <utility>

namespace souvenir::cache {
namespace {

// A read costs the bytes of the record and of the block that holds it.
constexpr size_t kBlockBytes = 4u << 10;

}  // namespace

Tier::Reply MemoryLookup::TryLookup(const Fingerprint& key, ReadBudget*, EntryPtr* entry) {
  *entry = cache_->LookupMemory(key);
  return *entry != nullptr ? Reply::kFound : Reply::kAbsent;
}

bool MemoryLookup::Lookup(std::vector<Fingerprint>, Found) { return false; }

Tier::Reply DiskLookup::TryLookup(const Fingerprint& key, ReadBudget* budget, EntryPtr* entry) {
  if (!cache_->has_disk()) return Reply::kAbsent;
  if (budget->is_spent()) return Reply::kLater;
  const SegmentStore::Presence presence = cache_->ProbeDisk(key, entry);
  if (*entry != nullptr) budget->Spend(kBlockBytes + (*entry)->value().size());
  switch (presence) {
    case SegmentStore::Presence::kFound:
      return Reply::kFound;
    case SegmentStore::Presence::kAbsent:
      return Reply::kAbsent;
    case SegmentStore::Presence::kUnknown:
      return Reply::kLater;
  }
  return Reply::kAbsent;
}

bool DiskLookup::Lookup(std::vector<Fingerprint> keys, Found found) {
  Task task = [cache = cache_, keys = std::move(keys), found = std::move(found)] {
    for (size_t i = 0; i < keys.size(); ++i) found(i, cache->ReadDisk(keys[i]));
  };
  return readers_->TrySubmit(task);
}

}  // namespace souvenir::cache
