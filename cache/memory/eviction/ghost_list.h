#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cache/fingerprint.h"

namespace souvenir::cache {

// Remembers the keys of what was evicted lately from each of two queues, up to a number of bytes of
// each, in 16 to 32 bytes a key.
//
// A key is known by 31 of its bits: another may be taken for it once in some 10,000 times, which
// costs a wrong guess. A table of four places to a bucket; the oldest of a full bucket is
// forgotten, and the table grows while that happens too often. Not thread-safe.
class GhostList {
 public:
  enum class From : uint8_t { kSmall, kMain };

  // Remembers the last `window_bytes` that left each queue.
  explicit GhostList(uint64_t window_bytes);

  void Add(const Fingerprint& key, From from, uint32_t charge);

  // Forgets the key, and tells where it had been evicted from; nothing where it is not remembered.
  std::optional<From> Take(const Fingerprint& key);

  // How many keys of a queue it remembers, roughly: those out of the window are swept up in time.
  size_t count(From from) const { return counts_[static_cast<size_t>(from)]; }

  size_t bytes() const { return places_.capacity() * sizeof(Place); }

 private:
  static constexpr size_t kBucket = 4;

  // Free where `name` is 0.
  struct Place {
    uint32_t name = 0;   // bits of the key; the lowest one is the queue
    uint32_t since = 0;  // the queue's bytes in units, when it was added
  };

  static uint32_t NameOf(const Fingerprint& key) {
    const auto bits = static_cast<uint32_t>(key.word(2)) & ~1u;
    return bits != 0 ? bits : 2;
  }
  Place* BucketOf(uint32_t name) {
    return &places_[(name >> 1) % (places_.size() / kBucket) * kBucket];
  }
  static From FromOf(const Place& place) { return static_cast<From>(place.name & 1); }
  uint32_t AgeOf(const Place& place) const { return Now(FromOf(place)) - place.since; }
  uint32_t Now(From from) const {
    return static_cast<uint32_t>(evicted_[static_cast<size_t>(from)] / unit_);
  }
  bool IsOut(const Place& place) const { return AgeOf(place) > window_; }
  void Forget(Place& place);
  void Sweep();
  void Grow();

  // Such that the window has at most 2^24 of them, and an age is out long before it wraps around.
  const uint64_t unit_;                // bytes
  const uint32_t window_;              // units
  std::array<uint64_t, 2> evicted_{};  // bytes that left each queue
  std::array<size_t, 2> counts_{};
  std::vector<Place> places_;
  size_t hand_ = 0;       // of the sweep
  size_t displaced_ = 0;  // forgotten for want of room in this round
};

}  // namespace souvenir::cache
