#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "cache/memory/eviction/eviction_policy.h"
#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {

// A node of a policy, which tests identify by a number.
struct TestNode : EvictionNode {
  TestNode(uint64_t number, uint32_t bytes, absl::Duration cost) : number(number) {
    key = KeyOf(std::to_string(number));
    charge = bytes;
    cost_bucket = CostBucket(cost);
  }
  const uint64_t number;
};

// A cache without values around a policy. It looks up, counts and evicts like a shard of the memory
// tier.
class TestCache {
 public:
  TestCache(EvictionPolicy* policy, uint64_t limit_bytes)
      : policy_(policy), limit_bytes_(limit_bytes) {}

  // Asks for `number`. Returns true on a hit; otherwise inserts it and returns false.
  bool Ask(uint64_t number, uint32_t charge = 100, absl::Duration cost = absl::Milliseconds(1)) {
    const auto found = nodes_.find(number);
    if (found != nodes_.end()) {
      found->second->Hit();
      if (policy_->orders_by_hits()) policy_->OnHit(found->second.get());
      return true;
    }
    auto node = std::make_unique<TestNode>(number, charge, cost);
    policy_->Insert(node.get());
    bytes_ += charge;
    nodes_.emplace(number, std::move(node));
    while (bytes_ > limit_bytes_) Evict();
    return false;
  }

  // Returns true if `number` is there. Does not count as a hit.
  bool Has(uint64_t number) const { return nodes_.contains(number); }

  // Returns how many numbers from `first` up to but excluding `end` are there.
  size_t CountOf(uint64_t first, uint64_t end) const {
    size_t count = 0;
    for (uint64_t number = first; number < end; ++number) count += Has(number) ? 1 : 0;
    return count;
  }

  void Remove(uint64_t number) {
    const auto found = nodes_.find(number);
    policy_->Remove(found->second.get());
    Forget(*found->second);
  }

  // Returns the evicted numbers in order.
  const std::vector<uint64_t>& evicted() const { return evicted_; }

 private:
  void Evict() {
    const auto* const node = static_cast<const TestNode*>(policy_->Evict());
    ASSERT_NE(node, nullptr);
    evicted_.push_back(node->number);
    Forget(*node);
  }

  void Forget(const TestNode& node) {
    bytes_ -= node.charge;
    nodes_.erase(node.number);
  }

  EvictionPolicy* const policy_;
  const uint64_t limit_bytes_;
  uint64_t bytes_ = 0;
  std::unordered_map<uint64_t, std::unique_ptr<TestNode>> nodes_;
  std::vector<uint64_t> evicted_;
};

}  // namespace souvenir::cache
