#pragma once

#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "cache/memory/eviction/eviction_policy.h"
#include "cache/memory/eviction/lru_policy.h"

// Policies to compare the memory tier's with. They are simple rather than fast.

namespace souvenir::bench {

using cache::EvictionNode;
using cache::EvictionPolicy;
using cache::EvictionQueue;
using cache::LruPolicy;

// GreedyDual-Size with frequency (Cherkasova, HPL-98-69R1). H = L + hits * cost / size. The entry
// with the least H is evicted, and L becomes its H.
class GdsfPolicy final : public EvictionPolicy {
 public:
  void Insert(EvictionNode* node) override { Rank(node, 1); }
  void Replace(EvictionNode* old, EvictionNode* node) override {
    Remove(old);
    Insert(node);
  }
  void Remove(EvictionNode* node) override {
    const auto found = ranks_.find(node);
    order_.erase({found->second.h, node});
    ranks_.erase(found);
  }
  EvictionNode* Evict() override {
    if (order_.empty()) return nullptr;
    const auto [h, node] = *order_.begin();
    inflation_ = h;
    Remove(node);
    return node;
  }
  bool orders_by_hits() const override { return true; }
  void OnHit(EvictionNode* node) override {
    const double hits = ranks_.at(node).hits + 1;
    Remove(node);
    Rank(node, hits);
  }

 private:
  struct Place {
    double hits;
    double h;
  };
  void Rank(EvictionNode* node, double hits) {
    const double h = inflation_ + hits * std::exp2(node->cost_bucket / 2.0) / node->charge;
    ranks_[node] = {hits, h};
    order_.insert({h, node});
  }

  double inflation_ = 0;
  std::map<EvictionNode*, Place> ranks_;
  std::set<std::pair<double, EvictionNode*>> order_;
};

// First in, first out: the queue of LRU, but hits do not reorder it.
class FifoPolicy final : public LruPolicy {
 public:
  bool orders_by_hits() const override { return false; }
  void OnHit(EvictionNode*) override {}
};

// S3-FIFO as published, with a small queue of a tenth, without costs and adaptation.
class PlainS3FifoPolicy final : public EvictionPolicy {
 public:
  explicit PlainS3FifoPolicy(uint64_t limit_bytes) : limit_(limit_bytes) {}

  void Insert(EvictionNode* node) override {
    Push(node, ghosts_.erase(node->key.word()) > 0 ? 1 : 0);
  }
  void Replace(EvictionNode* old, EvictionNode* node) override {
    Remove(old);
    Push(node, old->queue);
  }
  void Remove(EvictionNode* node) override {
    bytes_[node->queue] -= node->charge;
    EvictionQueue::Unlink(node);
  }
  EvictionNode* Evict() override {
    for (;;) {
      if (bytes_[0] * 10 >= limit_ || bytes_[1] == 0) {
        EvictionNode* const node = queues_[0].oldest();
        if (node == nullptr) return nullptr;
        Remove(node);
        if (node->hits.exchange(0) > 1) {
          Push(node, 1);
          continue;
        }
        Remember(*node);
        return node;
      }
      EvictionNode* const node = queues_[1].oldest();
      Remove(node);
      if (node->hits == 0) return node;
      node->hits = std::min<uint8_t>(node->hits, 3) - 1;
      Push(node, 1);
    }
  }

 private:
  void Push(EvictionNode* node, uint8_t queue) {
    node->queue = queue;
    bytes_[queue] += node->charge;
    queues_[queue].PushNewest(node);
  }
  void Remember(const EvictionNode& node) {
    ghost_bytes_ += node.charge;
    ghosts_[node.key.word()] = ghost_bytes_;
    ghost_order_.emplace(ghost_bytes_, node.key.word());
    while (ghost_order_.begin()->first + limit_ * 9 / 10 < ghost_bytes_) {
      const auto [at, key] = *ghost_order_.begin();
      const auto found = ghosts_.find(key);
      if (found != ghosts_.end() && found->second == at) ghosts_.erase(found);
      ghost_order_.erase(ghost_order_.begin());
    }
  }

  const uint64_t limit_;
  EvictionQueue queues_[2];
  uint64_t bytes_[2] = {};
  uint64_t ghost_bytes_ = 0;
  std::map<uint64_t, uint64_t> ghosts_;       // key to the bytes evicted before it
  std::map<uint64_t, uint64_t> ghost_order_;  // the reverse
};

}  // namespace souvenir::bench
