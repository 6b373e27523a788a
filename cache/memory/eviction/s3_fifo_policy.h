#pragma once

#include <array>
#include <cstdint>

#include "cache/memory/eviction/eviction_policy.h"
#include "cache/memory/eviction/ghost_list.h"

namespace souvenir::cache {

// S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023), with three
// things added.
//
// As there: what is new waits in a small queue; what was asked for by the time it comes to the end
// of it moves on to the main one, the rest goes and leaves its name in the ghost list; what comes
// back while its name is there goes to the main queue at once; and what comes to the main queue's
// end and was asked for begins again there. A hit changes no order and takes no lock.
//
// Cost-aware: an entry is worth its cost divided by its bytes, in half octaves, and each queue is
// one FIFO for each worth. What makes room is the entry that has been there longest for what it is
// worth, the greatest age / worth of those at an end; with equal costs and sizes that is the
// oldest. This keeps an entry for a time in proportion to its worth, as GreedyDual does
// (Cherkasova, "Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching policy",
// 1998), without a heap. An entry that nobody asked for again needs kUnseen times the worth of
// those that are evicted to move on.
//
// Counts: what begins again in the main queue is worth as many times more as it was asked for since
// it came there, again as with GreedyDual. The paper lets it go round once for each time, three at
// most.
//
// Adaptive: the small queue's share follows the ghosts, as in ARC (Megiddo and Modha, FAST 2003):
// one that had left the small queue is a sign that it is too small, one that had left the main
// queue that it is too large. Without signs that last it goes back to the usual share.
class S3FifoPolicy final : public EvictionPolicy {
 public:
  explicit S3FifoPolicy(size_t limit_bytes);

  void Insert(EvictionNode* node) override;
  void Replace(EvictionNode* old, EvictionNode* node) override;
  void Remove(EvictionNode* node) override;
  EvictionNode* Evict() override;
  size_t overhead_bytes() const override { return sizeof(*this) + ghosts_.bytes(); }

  // What is kept for the small queue at present.
  uint64_t small_target_bytes() const { return static_cast<uint64_t>(small_target_); }

 private:
  static constexpr size_t kWorths = 128;

  // The mean of the numbers lately; 0 before the first.
  class RecentMean {
   public:
    void Add(double number);
    double value() const { return mean_; }

   private:
    double mean_ = 0;
    double count_ = 0;  // of the numbers, up to what counts as lately
  };

  // FIFOs by worth.
  class WorthQueues {
   public:
    void Push(EvictionNode* node);
    void Unlink(EvictionNode* node);
    // The one to make room at time `now`; null where there is none.
    EvictionNode* Last(uint32_t now);
    uint64_t bytes() const { return bytes_; }

   private:
    std::array<EvictionQueue, kWorths> queues_;
    std::array<uint64_t, kWorths / 64> occupied_{};  // a bit for each queue
    uint64_t bytes_ = 0;
  };

  enum Queue : uint8_t { kSmall, kMain };

  // Of one request for it, without how often there was one.
  static int WorthOf(const EvictionNode& node);
  void Link(EvictionNode* node, Queue queue);
  void Unlink(EvictionNode* node);
  // Whether one at the small queue's end goes on to the main queue.
  bool IsWorthKeeping(const EvictionNode& node) const;
  void Evicted(EvictionNode* node, GhostList::From from);
  void Adapt(const EvictionNode& node, GhostList::From from);

  const double limit_;
  double small_target_;
  RecentMean kept_worth_;     // WorthOf() what came to the main queue, or began again there
  RecentMean evicted_worth_;  // WorthOf() what was evicted; at first, what came
  bool has_evicted_ = false;
  uint32_t now_ = 0;  // entries taken in
  GhostList ghosts_;
  std::array<WorthQueues, 2> queues_;
};

}  // namespace souvenir::cache
