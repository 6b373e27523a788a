#include "cache/memory/eviction/lru_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <memory>
#include <random>

#include "tests/unit/cache/memory/eviction/test_cache.h"

namespace souvenir::cache {
namespace {

using ::testing::ElementsAre;

TEST(LruPolicyTest, TheOneUsedLongestAgoMakesRoom) {
  LruPolicy policy;
  TestCache cache(&policy, 300);
  for (const uint64_t number : {1, 2, 3}) EXPECT_FALSE(cache.Ask(number));
  EXPECT_TRUE(cache.Ask(1));
  for (const uint64_t number : {4, 5, 6}) EXPECT_FALSE(cache.Ask(number));
  EXPECT_THAT(cache.evicted(), ElementsAre(2, 3, 1));
}

TEST(LruPolicyTest, WhatReplacesAnotherIsTheNewest) {
  LruPolicy policy;
  TestNode first(1, 100, absl::Seconds(1));
  TestNode second(2, 100, absl::Seconds(1));
  TestNode new_first(1, 200, absl::Seconds(1));
  policy.Insert(&first);
  policy.Insert(&second);
  policy.Replace(&first, &new_first);
  EXPECT_EQ(policy.Evict(), &second);
  EXPECT_EQ(policy.Evict(), &new_first);
  EXPECT_EQ(policy.Evict(), nullptr);
}

TEST(LruPolicyTest, KeepsTheOrderOfUseWhateverComes) {
  std::mt19937 random(1);
  LruPolicy policy;
  std::list<std::unique_ptr<TestNode>> by_use;  // newest first
  for (uint64_t i = 0; i < 20'000; ++i) {
    const auto any = by_use.empty()
                         ? by_use.end()
                         : std::next(by_use.begin(), static_cast<long>(random() % by_use.size()));
    switch (random() % 4) {
      case 0:
        if (by_use.size() < 50) {
          by_use.push_front(std::make_unique<TestNode>(i, 1, absl::Seconds(1)));
          policy.Insert(by_use.front().get());
        }
        break;
      case 1:
        if (any != by_use.end()) {
          policy.OnHit(any->get());
          by_use.splice(by_use.begin(), by_use, any);
        }
        break;
      case 2:
        if (any != by_use.end() && random() % 2 == 0) {
          policy.Remove(any->get());
          by_use.erase(any);
        }
        break;
      default:
        if (random() % 2 == 0) {
          const EvictionNode* const oldest = by_use.empty() ? nullptr : by_use.back().get();
          ASSERT_EQ(policy.Evict(), oldest) << i;
          if (oldest != nullptr) by_use.pop_back();
        }
    }
  }
}

}  // namespace
}  // namespace souvenir::cache
