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

// A place in the table of epochs.
using EpochSlot = uint32_t;

// The epochs that something was made under. It is alive as long as each place still holds its
// number.
using EpochStamp = absl::InlinedVector<std::pair<EpochSlot, uint64_t>, 4>;

inline uint64_t EpochSum(const EpochStamp& stamp) {
  uint64_t sum = 0;
  for (const auto& [slot, epoch] : stamp) sum += epoch;
  return sum;
}

// Invalidation counters: entries made under an epoch die together when it moves on, at the cost of
// one number, however many there are.
//
// The table is fixed and names are hashed into it: two that fall into one place are invalidated
// together, which costs a computation and never shows a wrong answer. A million places of 8 bytes;
// those that were never advanced take no memory.
//
// Thread-safe; reading takes no lock.
class EpochTable {
 public:
  static constexpr EpochSlot kSlots = 1u << 20;

  // The places of a scope. Each is stable across processes, since they are kept on disk.
  static EpochSlot All() { return 0; }
  static EpochSlot Tenant(std::string_view tenant) { return Named("tenant", tenant); }
  static EpochSlot Model(std::string_view model) { return Named("model", model); }
  static EpochSlot Tag(std::string_view tag) { return Named("tag", tag); }
  static EpochSlot Key(const Fingerprint& key) { return key.word(3) % kSlots; }

  EpochTable();

  // The epochs of today.
  void Stamp(std::initializer_list<EpochSlot> slots, EpochStamp* stamp) const {
    for (const EpochSlot slot : slots) stamp->emplace_back(slot, Get(slot));
  }

  // Puts the present epoch of `now` in the place of that of `before`; for an answer that turned out
  // to be another question's.
  static void Restamp(EpochSlot before, EpochSlot now, const EpochTable& epochs,
                      EpochStamp* stamp) {
    const auto place = std::find_if(stamp->begin(), stamp->end(),
                                    [&](const auto& item) { return item.first == before; });
    if (place != stamp->end()) *place = {now, epochs.Get(now)};
  }

  bool IsCurrent(const EpochStamp& stamp) const {
    for (const auto& [slot, epoch] : stamp) {
      if (Get(slot) != epoch) return false;
    }
    return true;
  }

  uint64_t Get(EpochSlot slot) const { return At(slot).load(std::memory_order_acquire); }

  // Kills all that was made under the place's epoch. Returns the new one.
  uint64_t Advance(EpochSlot slot) { return At(slot).fetch_add(1, std::memory_order_acq_rel) + 1; }

  // As of now; one after the other, so that what is advanced meanwhile may be in it or not.
  void CopyTo(EpochTable* copy) const {
    for (EpochSlot slot = 0; slot < kSlots; ++slot) {
      if (const uint64_t epoch = Get(slot); epoch != 0) copy->Restore(slot, epoch);
    }
  }

  // Puts back a number that was kept; for start-up. REQUIRES: slot < kSlots.
  void Restore(EpochSlot slot, uint64_t epoch) { At(slot).store(epoch, std::memory_order_release); }

 private:
  static EpochSlot Named(std::string_view sort, std::string_view name);

  std::atomic_ref<uint64_t> At(EpochSlot slot) const {
    return std::atomic_ref<uint64_t>(epochs_[slot]);
  }

  struct Free {
    void operator()(uint64_t* epochs) const { std::free(epochs); }
  };
  // Of calloc(), whose pages the system makes when they are written to.
  const std::unique_ptr<uint64_t[], Free> epochs_;
};

}  // namespace souvenir::cache
