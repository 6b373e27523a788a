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

// The data of an entry that an eviction policy needs, and its links in the policy's queues. Entries
// derive from it, so that queues need no allocations.
struct EvictionNode : EvictionLinks {
  EvictionNode() = default;
  EvictionNode(const EvictionNode&) = delete;
  EvictionNode& operator=(const EvictionNode&) = delete;

  Fingerprint key;
  uint32_t charge = 0;  // memory of the entry in bytes; at least 1

  // Cost of the computation in half octaves, 2 log2(nanoseconds). Measured times are no more exact
  // than that.
  uint8_t cost_bucket = 0;

  // Hits since the policy last read the counter, at most kMaxHits. This is the only member that
  // changes without the lock.
  static constexpr uint8_t kMaxHits = 7;
  std::atomic<uint8_t> hits{0};

  // State of the policy.
  static constexpr int kMaxFrequency = 63;  // greatest value of `frequency`
  uint8_t frequency : 6 = 0;
  uint8_t queue : 2 = 0;
  uint8_t worth = 0;
  uint32_t born = 0;

  // Counts a hit. Two concurrent hits may count as one. A counter at kMaxHits is not written to, so
  // that the cache line stays shared among the readers of a popular entry.
  void Hit() {
    const uint8_t seen = hits.load(std::memory_order_relaxed);
    if (seen < kMaxHits) hits.store(seen + 1, std::memory_order_relaxed);
  }

  // Returns `cost_bucket` for a duration. Durations below a microsecond, and zero for an unknown
  // one, count as a microsecond.
  static uint8_t CostBucket(absl::Duration cost) {
    const auto ns = static_cast<uint64_t>(
        std::max(absl::ToInt64Nanoseconds(cost), absl::ToInt64Nanoseconds(absl::Microseconds(1))));
    return HalfOctave(ns);
  }

  // Returns 2 log2(number), rounded down. REQUIRES: number >= 1.
  static uint8_t HalfOctave(uint64_t number) {
    const int octave = static_cast<int>(std::bit_width(number)) - 1;
    // The upper half of an octave begins at sqrt(2) times its begin, about 181/128.
    const bool upper = (number >> std::max(octave - 7, 0)) >= (octave < 7 ? number + 1 : 181);
    return static_cast<uint8_t>(2 * octave + (upper ? 1 : 0));
  }
};

// A list of nodes from the newest to the oldest. Does not own the nodes. Not thread-safe.
class EvictionQueue {
 public:
  EvictionQueue() { ends_.next = ends_.previous = &ends_; }
  EvictionQueue(const EvictionQueue&) = delete;
  EvictionQueue& operator=(const EvictionQueue&) = delete;

  bool empty() const { return ends_.next == &ends_; }

  // Returns the oldest node, or null.
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
  EvictionLinks ends_;  // sentinel between the newest and the oldest
};

// Chooses the entries to evict. Each shard of the memory tier owns one and guards it by its lock.
// Does not own the nodes. Not thread-safe.
class EvictionPolicy {
 public:
  enum class Kind { kS3Fifo, kLru };

  // Creates a policy for a cache of `limit_bytes`.
  static std::unique_ptr<EvictionPolicy> Create(Kind kind, size_t limit_bytes);

  virtual ~EvictionPolicy() = default;

  // Adds an entry. REQUIRES: no entry of its key is there; its key, charge and cost_bucket are set,
  // and its other members are zero.
  virtual void Insert(EvictionNode* node) = 0;

  // Replaces `old` by `node`, which takes over its hits. REQUIRES: both have the same key.
  virtual void Replace(EvictionNode* old, EvictionNode* node) = 0;

  // Removes an entry that leaves for another reason than eviction.
  virtual void Remove(EvictionNode* node) = 0;

  // Removes and returns the entry of the least worth, or returns null if there is none.
  virtual EvictionNode* Evict() = 0;

  // Returns true if the policy needs OnHit() for each hit, under the lock. Other policies read
  // EvictionNode::hits.
  virtual bool orders_by_hits() const { return false; }
  // Tells the policy of a hit. REQUIRES: orders_by_hits().
  virtual void OnHit(EvictionNode*) {}

  // Returns the memory of the policy in bytes, without the nodes.
  virtual size_t overhead_bytes() const { return 0; }
};

}  // namespace souvenir::cache
