#include "cache/memory/memory_tier.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

std::unique_ptr<MemoryTier> Make(size_t limit_bytes, uint32_t shards = 1,
                                 EvictionPolicy::Kind policy = EvictionPolicy::Kind::kS3Fifo) {
  auto tier = MemoryTier::Create({.limit_bytes = limit_bytes, .shards = shards, .policy = policy});
  EXPECT_TRUE(tier.ok()) << tier.status();
  return *std::move(tier);
}

TEST(MemoryTierTest, ShardsMustBeAPowerOfTwo) {
  const auto tier = MemoryTier::Create({.shards = 3});
  EXPECT_EQ(tier.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(tier.status().message().find("3"), std::string::npos) << tier.status();
}

// An entry may have about an eighth of the default limit. A higher limit must not make that less.
TEST(MemoryTierTest, ShardsThatSuitTheLimitHaveRoomForLargeEntries) {
  for (const size_t limit_bytes : {size_t{256} << 20, size_t{300} << 20, size_t{20} << 30}) {
    const auto tier = Make(limit_bytes, 0);
    tier->Insert(MakeEntry("large", std::string(31u << 20, 'x')));
    EXPECT_NE(tier->Lookup(KeyOf("large")), nullptr) << limit_bytes;
  }
  const auto none = Make(0, 0);
  none->Insert(MakeEntry("a", "value"));
  EXPECT_EQ(none->Lookup(KeyOf("a")), nullptr);
}

TEST(MemoryTierTest, AnEntryIsFoundUntilItIsErased) {
  const auto tier = Make(1 << 20, 4);
  EXPECT_EQ(tier->Lookup(KeyOf("a")), nullptr);
  tier->Insert(MakeEntry("a", "value"));
  ASSERT_NE(tier->Lookup(KeyOf("a")), nullptr);
  EXPECT_EQ(tier->Lookup(KeyOf("a"))->value(), "value");
  EXPECT_TRUE(tier->Erase(KeyOf("a")));
  EXPECT_FALSE(tier->Erase(KeyOf("a")));
  EXPECT_EQ(tier->Lookup(KeyOf("a")), nullptr);
  EXPECT_EQ(tier->stats().entries, 0u);
}

TEST(MemoryTierTest, TablesAreAPartOfTheSizeAndAllOfItWhereThereIsNoEntry) {
  const auto tier = Make(1 << 20);
  EXPECT_GT(tier->stats().bookkeeping_bytes, 0u);
  EXPECT_EQ(tier->stats().bytes, tier->stats().bookkeeping_bytes);
  const EntryPtr entry = MakeEntry("a", std::string(5000, 'x'));
  tier->Insert(entry);
  EXPECT_EQ(tier->stats().bytes,
            tier->stats().bookkeeping_bytes + tier->stats().origin_bytes + entry->charge);
}

TEST(MemoryTierTest, AnEntryReplacesOneWithItsKey) {
  const auto tier = Make(1 << 20);
  tier->Insert(MakeEntry("a", std::string(5000, 'x')));
  tier->Insert(MakeEntry("a", "new"));
  EXPECT_EQ(tier->Lookup(KeyOf("a"))->value(), "new");
  EXPECT_EQ(tier->stats().entries, 1u);
}

TEST(MemoryTierTest, TheLeastRecentlyUsedMakesRoomWhereThatIsThePolicy) {
  const auto tier = Make(10'000, 1, EvictionPolicy::Kind::kLru);
  tier->Insert(MakeEntry("old", std::string(3000, 'o')));
  tier->Insert(MakeEntry("kept", std::string(3000, 'k')));
  ASSERT_NE(tier->Lookup(KeyOf("old")), nullptr);  // now "kept" is the least recently used
  tier->Insert(MakeEntry("new", std::string(3000, 'n')));
  EXPECT_NE(tier->Lookup(KeyOf("old")), nullptr);
  EXPECT_EQ(tier->Lookup(KeyOf("kept")), nullptr);
  EXPECT_NE(tier->Lookup(KeyOf("new")), nullptr);
  EXPECT_EQ(tier->stats().evictions, 1u);
}

TEST(MemoryTierTest, WhatIsLargerThanAShardIsNotTakenAndEvictsNothing) {
  const auto tier = Make(20'000);
  tier->Insert(MakeEntry("small", "s"));
  tier->Insert(MakeEntry("large", std::string(40'000, 'l')));
  EXPECT_EQ(tier->Lookup(KeyOf("large")), nullptr);
  EXPECT_NE(tier->Lookup(KeyOf("small")), nullptr);
  EXPECT_EQ(tier->stats().refused, 1u);
}

TEST(MemoryTierTest, WhatIsLargerThanTheSmallQueueIsTaken) {
  const auto tier = Make(100'000);  // the small queue has 15,000 of these bytes
  for (int i = 0; i < 100; ++i) tier->Insert(MakeEntry(fmt::format("{}", i), "filler"));
  tier->Insert(MakeEntry("large", std::string(60'000, 'l'), [](Entry::Fields& fields) {
    fields.cost = absl::Seconds(10);  // its cost per byte is no less than that of the others
  }));
  ASSERT_NE(tier->Lookup(KeyOf("large")), nullptr);
  // It had a hit, and so moves to the main queue.
  for (int i = 0; i < 100; ++i) {
    tier->Insert(MakeEntry(fmt::format("later {}", i), std::string(200, 'x')));
  }
  EXPECT_NE(tier->Lookup(KeyOf("large")), nullptr);
}

TEST(MemoryTierTest, AnExpensiveAnswerOutlastsCheapOnes) {
  const auto tier = Make(100'000);
  tier->Insert(MakeEntry("audio", std::string(300, 'a'),
                         [](Entry::Fields& fields) { fields.cost = absl::Seconds(28); }));
  for (int i = 0; i < 2000; ++i) {
    tier->Insert(MakeEntry(fmt::format("{}", i), std::string(300, 's'),
                           [](Entry::Fields& fields) { fields.cost = absl::Milliseconds(1); }));
  }
  EXPECT_NE(tier->Lookup(KeyOf("audio")), nullptr);
  EXPECT_EQ(tier->Lookup(KeyOf("0")), nullptr);
}

TEST(MemoryTierTest, NoLimitIsNoTier) {
  const auto tier = Make(0);
  tier->Insert(MakeEntry("a", "v"));
  EXPECT_EQ(tier->Lookup(KeyOf("a")), nullptr);
}

TEST(MemoryTierTest, AHitCopiesNothingAndOutlivesItsPlace) {
  const auto tier = Make(20'000);
  const EntryPtr entry = MakeEntry("a", std::string(3000, 'a'));
  tier->Insert(entry);
  const EntryPtr hit = tier->Lookup(KeyOf("a"));
  EXPECT_EQ(hit.get(), entry.get());
  EXPECT_TRUE(tier->Erase(KeyOf("a")));
  EXPECT_EQ(tier->Lookup(KeyOf("a")), nullptr);
  EXPECT_EQ(hit->value(), std::string(3000, 'a'));
}

TEST(MemoryTierTest, EraseIfDropsWhatIsDead) {
  const auto tier = Make(1 << 20, 4);
  for (int i = 0; i < 100; ++i)
    tier->Insert(MakeEntry(fmt::format("{}", i), i % 2 ? "odd" : "even"));
  EXPECT_EQ(tier->EraseIf([](const Entry& entry) { return entry.value() == "odd"; }), 50u);
  EXPECT_EQ(tier->stats().entries, 50u);
}

// The table has more places than EraseIf() scans under one hold of the lock, and other threads
// insert and look up meanwhile.
TEST(MemoryTierTest, EraseIfLetsOthersWorkMeanwhile) {
  const auto tier = Make(64 << 20, 1);
  for (int i = 0; i < 20'000; ++i) tier->Insert(MakeEntry(fmt::format("{}", i), "dead"));
  std::atomic<bool> done{false};
  std::thread others([&] {
    for (int i = 0; !done; ++i) {
      tier->Insert(MakeEntry(fmt::format("other {}", i % 1000), "alive"));
      const EntryPtr found = tier->Lookup(KeyOf(fmt::format("other {}", i % 1000)));
      ASSERT_NE(found, nullptr);
    }
  });
  const auto is_dead = [](const Entry& entry) { return entry.value() == "dead"; };
  tier->EraseIf(is_dead);
  done = true;
  others.join();
  EXPECT_EQ(tier->EraseIf(is_dead), 0u);
  EXPECT_LE(tier->stats().entries, 1000u);
}

// Returns an entry with a tenant of its own, as in a gateway with many tenants.
EntryPtr OfTenant(int number) {
  return MakeEntry(std::to_string(number), "value", [&](Entry::Fields& fields) {
    fields.origin =
        Origin::Create({"tenant " + std::to_string(number), "model", "1", std::string(64, 'd')});
  });
}

TEST(MemoryTierTest, TenantsAreChargedAndGoWithTheirLastEntry) {
  constexpr size_t kLimit = 4u << 20;
  const auto tier = Make(kLimit, 4);
  size_t each = 0;
  for (int i = 0; i < 40'000; ++i) {
    const EntryPtr entry = OfTenant(i);
    each = entry->charge + entry->origin().charge();
    tier->Insert(entry);
  }
  MemoryTier::Stats stats = tier->stats();
  EXPECT_LE(stats.bytes, kLimit);
  EXPECT_LE(stats.entries * each, kLimit);
  EXPECT_GT(stats.entries * each, kLimit / 2);
  EXPECT_GE(stats.origin_bytes, stats.entries * OfTenant(1)->origin().charge());
  tier->EraseIf([](const Entry&) { return true; });
  stats = tier->stats();
  EXPECT_EQ(stats.entries, 0u);
  EXPECT_EQ(stats.origin_bytes, 0u);
}

TEST(MemoryTierTest, AnOriginThatManyEntriesShareIsChargedOnce) {
  const auto tier = Make(4u << 20, 4);
  const OriginPtr origin = Origin::Create({"tenant", "model", "1", "digest"});
  const auto make = [&](int number) {
    return MakeEntry(std::to_string(number), "value",
                     [&](Entry::Fields& fields) { fields.origin = origin; });
  };
  for (int i = 0; i < 100; ++i) tier->Insert(make(i));
  EXPECT_EQ(tier->stats().origin_bytes, origin->charge());
  tier->Insert(make(5));  // replaces an entry
  for (int i = 0; i < 99; ++i) EXPECT_TRUE(tier->Erase(KeyOf(std::to_string(i))));
  EXPECT_EQ(tier->stats().origin_bytes, origin->charge());
  EXPECT_TRUE(tier->Erase(KeyOf("99")));
  EXPECT_EQ(tier->stats().origin_bytes, 0u);
}

TEST(MemoryTierTest, WhatIsReservedIsTakenOffTheLimit) {
  constexpr size_t kLimit = 4u << 20;
  const auto tier = Make(kLimit, 4);
  tier->Reserve(kLimit / 2);
  for (int i = 0; i < 40'000; ++i) tier->Insert(OfTenant(i));
  EXPECT_LE(tier->stats().bytes, kLimit / 2);
}

// The bytes always stay under the limit and nothing is found under a wrong key.
TEST(MemoryTierTest, BytesStayUnderTheLimitFromManyThreads) {
  // The limit is a quarter of the memory for all names, so that there are evictions.
  const auto tier = Make(130'000, 4);
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < 5000; ++i) {
        const std::string name = fmt::format("{}", random() % 500);
        switch (random() % 4) {
          case 0:
            tier->Insert(MakeEntry(name, name + std::string(random() % 2000, 'x')));
            break;
          case 1:
            tier->Erase(KeyOf(name));
            break;
          default:
            if (const EntryPtr entry = tier->Lookup(KeyOf(name))) {
              EXPECT_EQ(entry->value().substr(0, name.size()), name);
            }
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const MemoryTier::Stats stats = tier->stats();
  EXPECT_LE(stats.bytes, stats.limit_bytes);
  EXPECT_GT(stats.evictions, 0u);
  tier->EraseIf([](const Entry&) { return true; });
  EXPECT_EQ(tier->stats().entries, 0u);
}

}  // namespace
}  // namespace souvenir::cache
