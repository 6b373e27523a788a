#pragma once

#include <array>
#include <cstdint>

#include "cache/memory/eviction/eviction_policy.h"
#include "cache/memory/eviction/ghost_list.h"

namespace souvenir::cache {

// S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023) with three
// extensions.
//
// The paper's algorithm: a new entry goes to a small queue. At the end of that queue an entry with
// hits moves to the main queue; any other is evicted, and its key goes to the ghost list. An entry
// that returns while its key is in the ghost list goes to the main queue at once. At the end of the
// main queue an entry with hits is inserted again. A hit changes no order and takes no lock.
//
// Cost-awareness: the worth of an entry is its cost divided by its bytes, in half octaves, and each
// queue has one FIFO per worth. The entry with the greatest age / worth among those at the ends is
// next to leave; with equal costs and sizes that is the oldest. An entry thus stays for a time
// proportional to its worth, as with GreedyDual (Cherkasova, "Improving WWW proxies performance
// with Greedy-Dual-Size-Frequency caching policy", 1998), but without a heap. An entry without hits
// moves to the main queue only if it is worth much more than those that are evicted (kUnseen).
//
// Frequency: an entry that is inserted into the main queue again is worth more in proportion to its
// hits since it came there, again as with GreedyDual. In the paper it circulates once per hit, at
// most three times.
//
// Adaptation: the small queue's share follows the ghosts, as in ARC (Megiddo and Modha, FAST 2003).
// A returning entry that had left the small queue is a sign that this queue is too small; one that
// had left the main queue, that it is too large. Without persistent signs the share returns to the
// usual one.
class S3FifoPolicy final : public EvictionPolicy {
 public:
  explicit S3FifoPolicy(size_t limit_bytes);

  void Insert(EvictionNode* node) override;
  void Replace(EvictionNode* old, EvictionNode* node) override;
  void Remove(EvictionNode* node) override;
  EvictionNode* Evict() override;
  size_t overhead_bytes() const override { return sizeof(*this) + ghosts_.bytes(); }

  // Returns the present share of the small queue in bytes.
  uint64_t small_target_bytes() const { return static_cast<uint64_t>(small_target_); }

 private:
  static constexpr size_t kWorths = 128;

  // The mean of recent numbers; 0 before the first.
  class RecentMean {
   public:
    void Add(double number);
    double value() const { return mean_; }

   private:
    double mean_ = 0;
    double count_ = 0;  // numbers added, at most kRecent
  };

  // A queue of one FIFO per worth.
  class WorthQueues {
   public:
    void Push(EvictionNode* node);
    void Unlink(EvictionNode* node);
    // Returns the entry that leaves next at time `now`, or null if there is none.
    EvictionNode* Last(uint32_t now);
    uint64_t bytes() const { return bytes_; }

   private:
    std::array<EvictionQueue, kWorths> queues_;
    std::array<uint64_t, kWorths / 64> occupied_{};  // a bit per FIFO, set if it has entries
    uint64_t bytes_ = 0;
  };

  enum Queue : uint8_t { kSmall, kMain };

  // Returns the worth of one request for an entry, regardless of its hits.
  static int WorthOf(const EvictionNode& node);
  void Link(EvictionNode* node, Queue queue);
  void Unlink(EvictionNode* node);
  // Returns true if an entry at the end of the small queue moves to the main queue.
  bool IsWorthKeeping(const EvictionNode& node) const;
  void Evicted(EvictionNode* node, GhostList::From from);
  void Adapt(const EvictionNode& node, GhostList::From from);

  const double limit_;
  double small_target_;
  RecentMean kept_worth_;     // WorthOf() entries inserted into the main queue
  RecentMean evicted_worth_;  // WorthOf() evicted entries; of new ones before the first eviction
  bool has_evicted_ = false;
  uint32_t now_ = 0;  // number of inserted entries, the clock of ages
  GhostList ghosts_;
  std::array<WorthQueues, 2> queues_;
};

}  // namespace souvenir::cache
