#include "cache/epochs.h"

namespace souvenir::cache {

EpochTable::EpochTable() : table_(std::make_unique<std::array<std::atomic<uint64_t>, kSlots>>()) {}

EpochSlot EpochTable::Named(std::string_view sort, std::string_view name) {
  Sha256 hash;
  hash.Add(sort);
  hash.Add(name);
  return Fingerprint{hash.Finish()}.word() % kSlots;
}

}  // namespace souvenir::cache
