#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "cache/fingerprint.h"

namespace souvenir::cache {

// The links of a queue.
struct EvictionLinks {
  EvictionLinks* next = nullptr;
  EvictionLinks* previous = nullptr;
};

// What an eviction policy knows of an entry, and its place in the policy's queues. An entry derives
// from it, so that a queue costs no allocation of its own.
struct EvictionNode : EvictionLinks {
  EvictionNode() = default;
  EvictionNode(const EvictionNode&) = delete;
  EvictionNode& operator=(const EvictionNode&) = delete;

  Fingerprint key;
  uint32_t charge = 0;  // bytes it takes; at least 1

  // What computing it took, in half octaves: 2 log2(nanoseconds). Coarse, because a measured time
  // says no more.
  uint8_t cost_bucket = 0;

  // How often it was asked for, up to kMaxHits, since the policy last looked. The only member that
  // changes without the lock.
  static constexpr uint8_t kMaxHits = 7;
  std::atomic<uint8_t> hits{0};

  // The policy's own.
  static constexpr int kMaxFrequency = 63;  // what its bits hold
  uint8_t frequency : 6 = 0;
  uint8_t queue : 2 = 0;
  uint8_t worth = 0;
  uint32_t born = 0;

  // Counts a hit. Two at once may count as one; an entry asked for often is not written to, so that
  // its line of memory stays with all who read it.
  void Hit() {
    const uint8_t seen = hits.load(std::memory_order_relaxed);
    if (seen < kMaxHits) hits.store(seen + 1, std::memory_order_relaxed);
  }

  // `cost_bucket` for a duration. Less than a microsecond, and unknown, is a microsecond.
  static uint8_t CostBucket(absl::Duration cost) {
    const auto ns = static_cast<uint64_t>(
        std::max(absl::ToInt64Nanoseconds(cost), absl::ToInt64Nanoseconds(absl::Microseconds(1))));
    return HalfOctave(ns);
  }

  // 2 log2(number), rounded down, for at least 1.
  static uint8_t HalfOctave(uint64_t number) {
    const int octave = static_cast<int>(std::bit_width(number)) - 1;
    // The upper half of an octave begins at its square root of two, 181/128.
    const bool upper = (number >> std::max(octave - 7, 0)) >= (octave < 7 ? number + 1 : 181);
    return static_cast<uint8_t>(2 * octave + (upper ? 1 : 0));
  }
};

// A list of nodes from the newest to the oldest. Owns nothing; not thread-safe.
class EvictionQueue {
 public:
  EvictionQueue() { ends_.next = ends_.previous = &ends_; }
  EvictionQueue(const EvictionQueue&) = delete;
  EvictionQueue& operator=(const EvictionQueue&) = delete;

  bool empty() const { return ends_.next == &ends_; }

  // Null where there is none.
  EvictionNode* oldest() { return empty() ? nullptr : static_cast<EvictionNode*>(ends_.previous); }

  void PushNewest(EvictionNode* node) {
    node->previous = &ends_;
    node->next = ends_.next;
    ends_.next->previous = node;
    ends_.next = node;
  }

  // REQUIRES: `node` is in some queue.
  static void Unlink(EvictionNode* node) {
    node->previous->next = node->next;
    node->next->previous = node->previous;
    node->next = node->previous = nullptr;
  }

 private:
  EvictionLinks ends_;  // before the newest and behind the oldest
};

// Decides which entry makes room. One for each shard of the memory tier, and guarded by its lock;
// does not own the nodes.
class EvictionPolicy {
 public:
  enum class Kind { kS3Fifo, kLru };

  // A policy for a cache of `limit_bytes`.
  static std::unique_ptr<EvictionPolicy> Create(Kind kind, size_t limit_bytes);

  virtual ~EvictionPolicy() = default;

  // Takes in an entry that was not there. Its key, charge and cost_bucket are set, the rest is
  // zero.
  virtual void Insert(EvictionNode* node) = 0;

  // Puts `node` in the place of `old`, which has the same key: the hits of one count for the other.
  virtual void Replace(EvictionNode* old, EvictionNode* node) = 0;

  // Lets go of an entry that leaves for another reason than room.
  virtual void Remove(EvictionNode* node) = 0;

  // Lets go of the entry that is worth least, and returns it; null where there is none.
  virtual EvictionNode* Evict() = 0;

  // Whether it has to be told of hits, under the lock; another one reads EvictionNode::hits.
  virtual bool orders_by_hits() const { return false; }
  // A hit. REQUIRES: orders_by_hits().
  virtual void OnHit(EvictionNode*) {}

  // Bytes of what it remembers beside the nodes.
  virtual size_t overhead_bytes() const { return 0; }
};

}  // namespace souvenir::cache
