#include "cache/memory/eviction/s3_fifo_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <unordered_set>
#include <vector>

#include "tests/unit/cache/memory/eviction/test_cache.h"

namespace souvenir::cache {
namespace {

// A hundred entries of 100 bytes. The small queue's usual share is 15 of them.
constexpr uint64_t kLimit = 10'000;
constexpr uint32_t kCharge = 100;

TEST(S3FifoPolicyTest, OfEqualsThatNobodyAskedForAgainTheOldestMakesRoom) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  for (uint64_t i = 0; i < 300; ++i) cache.Ask(i);
  ASSERT_EQ(cache.evicted().size(), 200u);
  for (uint64_t i = 0; i < 200; ++i) EXPECT_EQ(cache.evicted()[i], i);
}

TEST(S3FifoPolicyTest, OnePassOfAScanDoesNotFlushWhatIsPopular) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  for (int round = 0; round < 3; ++round) {
    for (uint64_t i = 0; i < 50; ++i) cache.Ask(i);
  }
  for (uint64_t i = 1000; i < 11'000; ++i) EXPECT_FALSE(cache.Ask(i));
  EXPECT_EQ(cache.CountOf(0, 50), 50u);
}

TEST(S3FifoPolicyTest, WhatIsNoLongerPopularMakesRoomForWhatIs) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  for (int round = 0; round < 20; ++round) {
    for (uint64_t i = 0; i < 90; ++i) cache.Ask(i);
  }
  for (int round = 0; round < 20; ++round) {
    for (uint64_t i = 1000; i < 1090; ++i) cache.Ask(i);
  }
  EXPECT_GE(cache.CountOf(1000, 1090), 85u);
}

TEST(S3FifoPolicyTest, WhatComesBackSoonAfterItLeftOutlastsAScan) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  for (uint64_t i = 0; i < 105; ++i) cache.Ask(i);
  ASSERT_FALSE(cache.Ask(0));  // it had left
  for (uint64_t i = 1000; i < 2000; ++i) cache.Ask(i);
  EXPECT_TRUE(cache.Has(0));
  EXPECT_EQ(cache.CountOf(1, 105), 0u);
}

TEST(S3FifoPolicyTest, WhatWasRemovedIsNewWhenItComesBack) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  for (uint64_t i = 0; i < 105; ++i) cache.Ask(i);
  cache.Remove(100);
  cache.Ask(100);
  for (uint64_t i = 1000; i < 2000; ++i) cache.Ask(i);
  EXPECT_FALSE(cache.Has(100));
}

TEST(S3FifoPolicyTest, CostlyEntriesOutliveCheapOnesOfTheSameFrequency) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  std::mt19937 random(1);
  size_t cheap_hits = 0;
  size_t costly_hits = 0;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t number = random() % 400;  // four times what fits
    const bool costly = number % 4 == 0;
    const bool hit = cache.Ask(number, kCharge, absl::Milliseconds(costly ? 400 : 1));
    (costly ? costly_hits : cheap_hits) += hit ? 1 : 0;
  }
  // There are about 5,000 requests for costly entries, and 15,000 for cheap ones.
  EXPECT_GT(costly_hits, 4000u);
  EXPECT_LT(cheap_hits, 1500u);
}

TEST(S3FifoPolicyTest, SmallEntriesOutliveLargeOnesOfTheSameCost) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  std::mt19937 random(1);
  size_t large_hits = 0;
  size_t small_hits = 0;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t number = random() % 100;
    const bool large = number % 2 == 0;
    const bool hit = cache.Ask(number, large ? 1000 : 100);
    (large ? large_hits : small_hits) += hit ? 1 : 0;
  }
  EXPECT_GT(small_hits, 9000u);
  EXPECT_LT(large_hits, 7000u);
}

TEST(S3FifoPolicyTest, AnEntryStaysInProportionToItsWorth) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  for (uint64_t i = 0; i < 200; ++i) cache.Ask(i);
  cache.Ask(1000, kCharge, absl::Milliseconds(4));
  uint64_t stayed = 0;
  for (uint64_t i = 2000; cache.Has(1000) && stayed < 10'000; ++i, ++stayed) cache.Ask(i);
  // The other entries cost a fourth of that, and stay while a hundred are inserted.
  EXPECT_NEAR(static_cast<double>(stayed), 400, 50);
}

// Asks for entry 1000 when the cache is full of entries with many hits. Its cost is greater in
// proportion to its size, so that it is worth as much as the others or, in half octaves, a bit
// more.
void AddLargerThanTheSmallQueue(TestCache* cache) {
  for (int round = 0; round < 3; ++round) {
    for (uint64_t i = 0; i < 100; ++i) cache->Ask(i);
  }
  cache->Ask(1000, 60 * kCharge, absl::Milliseconds(90));
}

// An entry is asked for in some rounds and then no more. The more rounds there were, the more other
// entries must be asked for before it leaves.
TEST(S3FifoPolicyTest, AnEntryThatWasAskedForOftenerStaysLonger) {
  const auto stays = [](int rounds) {
    S3FifoPolicy policy(kLimit);
    TestCache cache(&policy, kLimit);
    uint64_t next = 1000;
    // Two requests for each let them pass through the main queue.
    const auto others = [&](int count) {
      for (int i = 0; i < count; ++i, ++next) {
        cache.Ask(next);
        cache.Ask(next);
      }
    };
    for (int round = 0; round < rounds; ++round) {
      cache.Ask(0);
      cache.Ask(0);
      others(100);
    }
    int count = 0;
    for (; cache.Has(0) && count < 100'000; ++count) others(1);
    return count;
  };
  const int once = stays(2);
  const int often = stays(16);
  EXPECT_GT(once, 0);
  EXPECT_GE(often, 4 * once);
  // It stays longer than with a turn for each of the seven hits that a node counts, in a cache of a
  // hundred entries, but leaves in the end.
  EXPECT_GE(often, 1'200);
  EXPECT_LE(often, 5'000);
}

TEST(S3FifoPolicyTest, AnEntryLargerThanTheSmallQueueIsTakenAndLeavesIfNobodyAsks) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  AddLargerThanTheSmallQueue(&cache);
  EXPECT_TRUE(cache.Has(1000));
  for (uint64_t i = 2000; i < 2200; ++i) cache.Ask(i);
  EXPECT_FALSE(cache.Has(1000));
}

TEST(S3FifoPolicyTest, AnEntryLargerThanTheSmallQueueStaysIfItWasAskedFor) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  AddLargerThanTheSmallQueue(&cache);
  EXPECT_TRUE(cache.Ask(1000));
  for (uint64_t i = 2000; i < 2200; ++i) cache.Ask(i);
  EXPECT_TRUE(cache.Has(1000));
}

TEST(S3FifoPolicyTest, TheSmallQueueGrowsWhenWhatLeftItComesBack) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  EXPECT_EQ(policy.small_target_bytes(), kLimit * 15 / 100);
  // Each entry is asked for again, a little too late for the small queue.
  uint64_t last = 0;
  for (uint64_t i = 0; i < 2000; ++i) {
    cache.Ask(i);
    if (i >= 110) cache.Ask(i - 110);
    last = std::max(last, policy.small_target_bytes());
  }
  EXPECT_GT(last, kLimit / 2);
  EXPECT_LE(last, kLimit * 9 / 10);
}

TEST(S3FifoPolicyTest, TheSmallQueueShrinksWhenWhatLeftTheMainOneComesBack) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  // All entries are popular, and a few more than fit.
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) cache.Ask(random() % 120);
  EXPECT_LT(policy.small_target_bytes(), kLimit / 20);
  EXPECT_GE(policy.small_target_bytes(), kLimit / 100);
}

// The set of popular entries changes slowly, and entries return from both ghost lists.
TEST(S3FifoPolicyTest, TheSmallQueueStaysNearTheUsualShareWhereSignsAreMixed) {
  S3FifoPolicy policy(kLimit);
  TestCache cache(&policy, kLimit);
  std::mt19937 random(1);
  std::vector<uint64_t> shares;
  for (uint64_t i = 0; i < 50'000; ++i) {
    cache.Ask(i / 5 + random() % 20 * (random() % 20));
    if (i >= 5'000) shares.push_back(policy.small_target_bytes());
  }
  std::sort(shares.begin(), shares.end());
  EXPECT_GT(shares[shares.size() / 20], kLimit / 10);
  EXPECT_LT(shares[shares.size() * 19 / 20], kLimit / 2);
}

TEST(S3FifoPolicyTest, WhatReplacesAnotherHasItsHits) {
  S3FifoPolicy policy(kLimit);
  TestNode old(1, 100, absl::Milliseconds(1));
  policy.Insert(&old);
  old.Hit();
  TestNode node(1, 200, absl::Milliseconds(1));
  policy.Replace(&old, &node);
  EXPECT_EQ(node.hits, 1);
  EXPECT_EQ(policy.Evict(), &node);
  EXPECT_EQ(policy.Evict(), nullptr);
}

TEST(S3FifoPolicyTest, OneMakesRoomEvenWhereAllAreAskedForAllTheTime) {
  S3FifoPolicy policy(kLimit);
  std::vector<std::unique_ptr<TestNode>> nodes;
  for (uint64_t i = 0; i < 100; ++i) {
    nodes.push_back(std::make_unique<TestNode>(i, kCharge, absl::Milliseconds(1)));
    policy.Insert(nodes.back().get());
  }
  std::unordered_set<const EvictionNode*> evicted;
  for (int i = 0; i < 100; ++i) {
    for (const auto& node : nodes) node->hits = EvictionNode::kMaxHits;
    evicted.insert(policy.Evict());
  }
  EXPECT_EQ(evicted.size(), 100u);
  EXPECT_FALSE(evicted.contains(nullptr));
  EXPECT_EQ(policy.Evict(), nullptr);
}

// Random requests for entries of all sizes and costs. An entry leaves once, and no entry of its
// queue has a greater age for its worth. The small queue keeps its share, and the main queue loses
// no entry with hits since it was last examined.
TEST(S3FifoPolicyTest, TheVictimHasWaitedLongestForItsWorthWhateverComes) {
  constexpr size_t kMostNodes = 300;
  constexpr uint8_t kSmall = 0;
  for (unsigned seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    S3FifoPolicy policy(100'000);
    std::vector<std::unique_ptr<TestNode>> nodes;
    uint32_t inserted = 0;
    const auto pressure = [&](const EvictionNode& node) {
      return (inserted - node.born + 1) * std::exp2(-0.5 * node.worth);
    };
    const auto make = [&](uint64_t number) {
      return std::make_unique<TestNode>(number, 1u << (4 + random() % 12),
                                        absl::Microseconds(1u << (random() % 24)));
    };
    // Removes the node from `nodes` and returns it, or null if it is not there.
    const auto take = [&](const EvictionNode* node) {
      const auto found = std::find_if(nodes.begin(), nodes.end(),
                                      [&](const auto& each) { return each.get() == node; });
      std::unique_ptr<TestNode> taken;
      if (found == nodes.end()) return taken;
      taken = std::move(*found);
      *found = std::move(nodes.back());
      nodes.pop_back();
      return taken;
    };
    const auto evict = [&] {
      const uint64_t small_target = policy.small_target_bytes();
      const std::unique_ptr<TestNode> victim = take(policy.Evict());
      ASSERT_NE(victim, nullptr);
      uint64_t bytes[2] = {};
      for (const auto& node : nodes) {
        bytes[node->queue] += node->charge;
        if (node->queue != victim->queue) continue;
        ASSERT_GE(pressure(*victim), pressure(*node) * 0.999);
      }
      if (victim->queue != kSmall) {
        EXPECT_EQ(victim->hits, 0);
      } else if (bytes[1] > 0) {
        EXPECT_GE(bytes[kSmall] + 1, small_target);
      }
    };
    for (int i = 0; i < 20'000 && !::testing::Test::HasFatalFailure(); ++i) {
      const uint64_t number = random() % 2000;
      const auto known = std::find_if(nodes.begin(), nodes.end(),
                                      [&](const auto& each) { return each->number == number; });
      if (known == nodes.end()) {
        nodes.push_back(make(number));
        policy.Insert(nodes.back().get());
        ++inserted;
        if (nodes.size() > kMostNodes || random() % 8 == 0) evict();
        continue;
      }
      switch (random() % 8) {
        case 0: {
          std::unique_ptr<TestNode> node = make(number);
          policy.Replace(known->get(), node.get());
          *known = std::move(node);
          break;
        }
        case 1:
          policy.Remove(known->get());
          take(known->get());
          break;
        default:
          (*known)->Hit();
      }
    }
    EXPECT_GE(policy.small_target_bytes(), 1000u);
    EXPECT_LE(policy.small_target_bytes(), 90'000u);
    while (!nodes.empty() && !::testing::Test::HasFatalFailure()) evict();
    EXPECT_EQ(policy.Evict(), nullptr);
  }
}

}  // namespace
}  // namespace souvenir::cache
