#include "cache/epochs.h"

#include <new>

namespace souvenir::cache {

EpochTable::EpochTable() : epochs_(static_cast<uint64_t*>(std::calloc(kSlots, sizeof(uint64_t)))) {
  if (epochs_ == nullptr) throw std::bad_alloc();
}

EpochSlot EpochTable::Named(std::string_view sort, std::string_view name) {
  Sha256 hash;
  hash.Add(sort);
  hash.Add(name);
  return Fingerprint{hash.Finish()}.word() % kSlots;
}

}  // namespace souvenir::cache
