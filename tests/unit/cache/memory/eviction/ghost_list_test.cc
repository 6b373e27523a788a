#include "cache/memory/eviction/ghost_list.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <unordered_map>

#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

using From = GhostList::From;

Fingerprint Key(uint64_t number) { return KeyOf(std::to_string(number)); }

TEST(GhostListTest, TellsOnceWhereAKeyLeftFrom) {
  GhostList ghosts(10'000);
  ghosts.Add(Key(1), From::kSmall, 100);
  ghosts.Add(Key(2), From::kMain, 100);
  EXPECT_EQ(ghosts.count(From::kSmall), 1u);
  EXPECT_EQ(ghosts.count(From::kMain), 1u);
  EXPECT_EQ(ghosts.Take(Key(3)), std::nullopt);
  EXPECT_EQ(ghosts.Take(Key(1)), From::kSmall);
  EXPECT_EQ(ghosts.Take(Key(1)), std::nullopt);
  EXPECT_EQ(ghosts.Take(Key(2)), From::kMain);
  EXPECT_EQ(ghosts.Take(Key(2)), std::nullopt);
  EXPECT_EQ(ghosts.count(From::kSmall), 0u);
  EXPECT_EQ(ghosts.count(From::kMain), 0u);
}

TEST(GhostListTest, AKeyThatLeavesAgainIsRememberedOnceFromWhereItLeftLast) {
  GhostList ghosts(10'000);
  ghosts.Add(Key(1), From::kSmall, 100);
  ghosts.Add(Key(1), From::kMain, 100);
  EXPECT_EQ(ghosts.count(From::kSmall), 0u);
  EXPECT_EQ(ghosts.count(From::kMain), 1u);
  EXPECT_EQ(ghosts.Take(Key(1)), From::kMain);
  EXPECT_EQ(ghosts.Take(Key(1)), std::nullopt);
}

TEST(GhostListTest, RemembersAsManyAsItHasRoomFor) {
  GhostList ghosts(100'000);
  for (uint64_t i = 0; i < 1000; ++i) ghosts.Add(Key(i), From::kSmall, 1000);
  // The window has the last 100 keys. Full buckets may have forgotten a few of them.
  for (uint64_t i = 0; i < 899; ++i) EXPECT_EQ(ghosts.Take(Key(i)), std::nullopt) << i;
  size_t remembered = 0;
  for (uint64_t i = 900; i < 1000; ++i) remembered += ghosts.Take(Key(i)) == From::kSmall ? 1 : 0;
  EXPECT_GE(remembered, 90u);
}

TEST(GhostListTest, WhatLeavesOneQueueDoesNotAgeTheOther) {
  GhostList ghosts(100'000);
  ghosts.Add(Key(1'000'000), From::kMain, 1000);
  for (uint64_t i = 0; i < 1000; ++i) ghosts.Add(Key(i), From::kSmall, 1000);
  EXPECT_EQ(ghosts.Take(Key(1'000'000)), From::kMain);
}

TEST(GhostListTest, GrowsWithTheKeysOfItsWindowAndNoFurther) {
  GhostList ghosts(10'000'000);
  const size_t bytes_at_first = ghosts.bytes();
  constexpr uint64_t kWindow = 100'000;  // keys
  for (uint64_t i = 0; i < kWindow; ++i) ghosts.Add(Key(i), From::kSmall, 100);
  EXPECT_GT(ghosts.bytes(), bytes_at_first);
  for (uint64_t i = kWindow; i < 5 * kWindow; ++i) ghosts.Add(Key(i), From::kSmall, 100);
  EXPECT_LE(ghosts.bytes(), 48 * kWindow);
  EXPECT_GE(ghosts.count(From::kSmall), kWindow * 9 / 10);
  EXPECT_LE(ghosts.count(From::kSmall), kWindow * 3 / 2);  // some have not been swept yet
  size_t remembered = 0;
  for (uint64_t i = 4 * kWindow; i < 5 * kWindow; ++i) {
    remembered += ghosts.Take(Key(i)) == From::kSmall ? 1 : 0;
  }
  EXPECT_GE(remembered, kWindow * 9 / 10);
}

// The list counts against the cache's limit, and a gateway runs for months.
TEST(GhostListTest, DoesNotGrowForAsLongAsItIsUsed) {
  constexpr uint64_t kWindow = 1000;  // keys
  GhostList ghosts(100 * kWindow);
  for (uint64_t i = 0; i < 20 * kWindow; ++i) ghosts.Add(Key(i), From::kSmall, 100);
  const size_t bytes = ghosts.bytes();
  for (uint64_t i = 0; i < 1000 * kWindow; ++i) ghosts.Add(Key(i), From::kSmall, 100);
  EXPECT_EQ(ghosts.bytes(), bytes);
}

// The units of such a window have many bytes.
TEST(GhostListTest, AWindowOfTerabytesIsAWindow) {
  constexpr uint64_t kWindow = uint64_t{1} << 42;
  constexpr uint32_t kCharge = uint32_t{1} << 31;  // 2048 of them are a window
  GhostList ghosts(kWindow);
  for (uint64_t i = 0; i < 10'000; ++i) ghosts.Add(Key(i), From::kMain, kCharge);
  for (uint64_t i = 0; i < 7'900; ++i) EXPECT_EQ(ghosts.Take(Key(i)), std::nullopt) << i;
  size_t remembered = 0;
  for (uint64_t i = 8'000; i < 10'000; ++i) remembered += ghosts.Take(Key(i)) ? 1 : 0;
  EXPECT_GE(remembered, 1800u);
}

// Compares the list with one that forgets nothing. Its answers are right, it knows most keys of the
// window, and none out of it.
TEST(GhostListTest, TellsTheTruthWhateverComes) {
  constexpr uint64_t kWindow = 200'000;
  for (unsigned seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    GhostList ghosts(kWindow);
    struct Left {
      From from;
      uint64_t at;  // bytes evicted from the queue before this key
    };
    std::unordered_map<uint64_t, Left> model;
    uint64_t left[2] = {};
    size_t told = 0;
    size_t could_be_told = 0;
    for (int i = 0; i < 50'000; ++i) {
      const uint64_t number = random() % 2000;
      if (random() % 3 != 0) {
        const From from = random() % 4 == 0 ? From::kMain : From::kSmall;
        const uint32_t charge = 1 + random() % 1000;
        left[static_cast<size_t>(from)] += charge;
        ghosts.Add(Key(number), from, charge);
        model[number] = {from, left[static_cast<size_t>(from)]};
        continue;
      }
      const std::optional<From> from = ghosts.Take(Key(number));
      const auto known = model.find(number);
      if (known == model.end()) {
        EXPECT_EQ(from, std::nullopt);
        continue;
      }
      const uint64_t age = left[static_cast<size_t>(known->second.from)] - known->second.at;
      if (from) {
        EXPECT_EQ(*from, known->second.from);
        EXPECT_LE(age, kWindow);
        ++told;
      }
      if (age <= kWindow) ++could_be_told;
      model.erase(known);
    }
    EXPECT_GT(could_be_told, 1000u);
    EXPECT_GE(told, could_be_told * 9 / 10);
  }
}

}  // namespace
}  // namespace souvenir::cache
