#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "cache/fingerprint.h"

namespace souvenir::cache {

// Remembers the keys that were lately evicted from each of two queues, up to a number of evicted
// bytes per queue. It takes 16 to 32 bytes per key.
//
// A key is represented by 31 of its bits. About one lookup in 10,000 takes another key for it,
// which only leads to a wrong guess. The keys are in a hash table with buckets of four places. A
// full bucket forgets its oldest key, and the table grows if that happens too often.
//
// Not thread-safe.
class GhostList {
 public:
  enum class From : uint8_t { kSmall, kMain };

  // Creates a list that remembers the keys of the last `window_bytes` evicted from each queue.
  explicit GhostList(uint64_t window_bytes);

  // Remembers a key whose entry of `charge` bytes was evicted.
  void Add(const Fingerprint& key, From from, uint32_t charge);

  // Forgets the key and returns the queue that it was evicted from, or nullopt if it is not
  // remembered.
  std::optional<From> Take(const Fingerprint& key);

  // Returns the approximate number of remembered keys of a queue. It includes keys out of the
  // window that have not been swept yet.
  size_t count(From from) const { return counts_[static_cast<size_t>(from)]; }

  size_t bytes() const { return places_.capacity() * sizeof(Place); }

 private:
  static constexpr size_t kBucket = 4;

  // A remembered key, or a free place if `name` is 0.
  struct Place {
    uint32_t name = 0;   // bits of the key; the lowest bit is the queue
    uint32_t since = 0;  // bytes evicted from the queue when the key was added, in units
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

  // Bytes per unit. The window has at most 2^24 units, so an age leaves it long before it wraps.
  const uint64_t unit_;
  const uint32_t window_;              // in units
  std::array<uint64_t, 2> evicted_{};  // bytes evicted from each queue
  std::array<size_t, 2> counts_{};
  std::vector<Place> places_;
  size_t hand_ = 0;       // next place of the sweep
  size_t displaced_ = 0;  // keys forgotten for lack of room in this round of the sweep
};

}  // namespace souvenir::cache
