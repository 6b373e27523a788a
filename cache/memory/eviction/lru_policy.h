#pragma once

#include "cache/memory/eviction/eviction_policy.h"

namespace souvenir::cache {

// Evicts the least recently used entry, regardless of its cost. Needs the lock on every hit. Exists
// for comparison.
class LruPolicy : public EvictionPolicy {
 public:
  void Insert(EvictionNode* node) override { by_use_.PushNewest(node); }
  void Replace(EvictionNode* old, EvictionNode* node) override {
    Remove(old);
    Insert(node);
  }
  void Remove(EvictionNode* node) override { EvictionQueue::Unlink(node); }
  EvictionNode* Evict() override {
    EvictionNode* const oldest = by_use_.oldest();
    if (oldest != nullptr) Remove(oldest);
    return oldest;
  }
  bool orders_by_hits() const override { return true; }
  void OnHit(EvictionNode* node) override {
    Remove(node);
    Insert(node);
  }

 private:
  EvictionQueue by_use_;
};

}  // namespace souvenir::cache
