#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "cache/fingerprint.h"

namespace souvenir::cache {

// Index of a counter in the table of epochs.
using EpochSlot = uint32_t;

// The epochs under which an entry was made. The entry is alive while each slot still has the number
// of the stamp.
using EpochStamp = absl::InlinedVector<std::pair<EpochSlot, uint64_t>, 4>;

inline uint64_t EpochSum(const EpochStamp& stamp) {
  uint64_t sum = 0;
  for (const auto& [slot, epoch] : stamp) sum += epoch;
  return sum;
}

// Invalidation counters. Advancing one invalidates all entries that were made under its epoch, at
// the same cost for any number of entries.
//
// The table has a million slots of 8 bytes, and names are hashed into it. Two names that share a
// slot are invalidated together, which costs a computation but never shows a wrong answer. Slots
// that were never advanced take no memory.
//
// Thread-safe; no method takes a lock.
class EpochTable {
 public:
  static constexpr EpochSlot kSlots = 1u << 20;

  // Return the slot of a scope. Slots are kept on disk, so they are the same in every process.
  static EpochSlot All() { return 0; }
  static EpochSlot Tenant(std::string_view tenant) { return Named("tenant", tenant); }
  static EpochSlot Model(std::string_view model) { return Named("model", model); }
  static EpochSlot Tag(std::string_view tag) { return Named("tag", tag); }
  static EpochSlot Key(const Fingerprint& key) { return key.word(3) % kSlots; }

  EpochTable();

  // Appends the present epochs of `slots` to `stamp`.
  void Stamp(std::initializer_list<EpochSlot> slots, EpochStamp* stamp) const {
    for (const EpochSlot slot : slots) stamp->emplace_back(slot, Get(slot));
  }

  // Replaces slot `before` of a stamp by slot `now` with its present epoch. Does nothing if the
  // stamp lacks `before`. For an answer that turned out to belong to another question.
  static void Restamp(EpochSlot before, EpochSlot now, const EpochTable& epochs,
                      EpochStamp* stamp) {
    const auto place = std::find_if(stamp->begin(), stamp->end(),
                                    [&](const auto& item) { return item.first == before; });
    if (place != stamp->end()) *place = {now, epochs.Get(now)};
  }

  // Returns true if no epoch of the stamp has been advanced.
  bool IsCurrent(const EpochStamp& stamp) const {
    for (const auto& [slot, epoch] : stamp) {
      if (Get(slot) != epoch) return false;
    }
    return true;
  }

  uint64_t Get(EpochSlot slot) const { return At(slot).load(std::memory_order_acquire); }

  // Invalidates all entries made under the slot's epoch. Returns the new epoch.
  uint64_t Advance(EpochSlot slot) { return At(slot).fetch_add(1, std::memory_order_acq_rel) + 1; }

  // Copies the epochs, slot by slot. May miss epochs that are advanced concurrently. REQUIRES:
  // `copy` is new.
  void CopyTo(EpochTable* copy) const {
    for (EpochSlot slot = 0; slot < kSlots; ++slot) {
      if (const uint64_t epoch = Get(slot); epoch != 0) copy->Restore(slot, epoch);
    }
  }

  // Sets an epoch to a saved number, on start-up. REQUIRES: slot < kSlots.
  void Restore(EpochSlot slot, uint64_t epoch) { At(slot).store(epoch, std::memory_order_release); }

 private:
  static EpochSlot Named(std::string_view sort, std::string_view name);

  std::atomic_ref<uint64_t> At(EpochSlot slot) const {
    return std::atomic_ref<uint64_t>(epochs_[slot]);
  }

  struct Free {
    void operator()(uint64_t* epochs) const { std::free(epochs); }
  };
  // Allocated with calloc(), so that a page takes memory only once it is written to.
  const std::unique_ptr<uint64_t[], Free> epochs_;
};

}  // namespace souvenir::cache
