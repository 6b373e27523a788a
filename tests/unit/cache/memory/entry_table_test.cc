#include "cache/memory/entry_table.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cache/memory/read_section.h"
#include "common/mutex.h"
#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

// Returns an entry whose key has the given first and last words, by which the table chooses a place
// and compares tags. Keys differ in the second word, `number`.
EntryPtr MakeEntryAt(uint64_t first_word, uint64_t number, uint64_t last_word) {
  Fingerprint key;
  const uint64_t words[] = {first_word, number, 0, last_word};
  std::memcpy(key.bytes.data(), words, sizeof(words));
  return MakeEntry("", std::to_string(number), [&](Entry::Fields& fields) { fields.key = key; });
}

TEST(EntryTableTest, FindsWhatWasPutIn) {
  EntryTable table;
  const EntryPtr a = MakeEntry("a", "1");
  const EntryPtr b = MakeEntry("b", "2");
  EXPECT_EQ(table.Find(a->key), nullptr);
  EXPECT_EQ(table.Put(a.get()), nullptr);
  EXPECT_EQ(table.Put(b.get()), nullptr);
  EXPECT_EQ(table.Find(a->key), a.get());
  EXPECT_EQ(table.Find(b->key), b.get());
  EXPECT_EQ(table.Find(KeyOf("c")), nullptr);
  EXPECT_EQ(table.size(), 2u);
}

TEST(EntryTableTest, AnEntryTakesThePlaceOfOneWithItsKey) {
  EntryTable table;
  const EntryPtr before = MakeEntry("a", "before");
  const EntryPtr after = MakeEntry("a", "after");
  table.Put(before.get());
  EXPECT_EQ(table.Put(after.get()), before.get());
  EXPECT_EQ(table.Find(after->key), after.get());
  EXPECT_EQ(table.size(), 1u);
  EXPECT_FALSE(table.Erase(before.get()));  // the table has another entry of its key
  EXPECT_EQ(table.Find(after->key), after.get());
  EXPECT_TRUE(table.Erase(after.get()));
  EXPECT_FALSE(table.Erase(after.get()));
  EXPECT_EQ(table.Find(after->key), nullptr);
  EXPECT_EQ(table.size(), 0u);
}

TEST(EntryTableTest, KeysThatAreAlikeAreToldApart) {
  EntryTable table;
  std::vector<EntryPtr> entries;
  for (uint64_t i = 0; i < 40; ++i) {
    entries.push_back(MakeEntryAt(7, i, 7));
    table.Put(entries.back().get());
  }
  // Entries beyond an erased place are still found.
  for (size_t i = 0; i < entries.size(); i += 2) EXPECT_TRUE(table.Erase(entries[i].get()));
  for (size_t i = 0; i < entries.size(); ++i) {
    EXPECT_EQ(table.Find(entries[i]->key), i % 2 == 0 ? nullptr : entries[i].get()) << i;
  }
}

TEST(EntryTableTest, TheLastPlaceIsFollowedByTheFirst) {
  EntryTable table;
  const EntryPtr first = MakeEntryAt(63, 1, 0);
  const EntryPtr second = MakeEntryAt(63, 2, 0);
  table.Put(first.get());
  table.Put(second.get());
  EXPECT_EQ(table.Find(first->key), first.get());
  EXPECT_EQ(table.Find(second->key), second.get());
}

TEST(EntryTableTest, GrowsAndHandsOutTheArrayThatBecameTooSmall) {
  EntryTable table;
  const size_t bytes_at_first = table.bytes();
  std::vector<EntryPtr> entries;
  size_t arrays = 0;
  for (int i = 0; i < 1000; ++i) {
    entries.push_back(MakeEntry(fmt::format("{}", i), ""));
    const size_t bytes = table.bytes();
    table.Put(entries.back().get());
    const auto old_array = table.TakeOldArray();
    EXPECT_EQ(old_array != nullptr, table.bytes() != bytes) << i;
    if (old_array != nullptr) ++arrays;
  }
  EXPECT_EQ(arrays, 5u);  // from 64 places to 2048
  EXPECT_EQ(table.bytes(), 32 * bytes_at_first);
  for (const EntryPtr& entry : entries) EXPECT_EQ(table.Find(entry->key), entry.get());
  std::unordered_set<const Entry*> visited;
  table.ForEach([&](const Entry* entry) { visited.insert(entry); });
  EXPECT_EQ(visited.size(), 1000u);
}

TEST(EntryTableTest, ComingAndGoingDoesNotMakeItGrow) {
  EntryTable table;
  std::deque<EntryPtr> entries;
  const size_t bytes_at_first = table.bytes();
  for (int i = 0; i < 10'000; ++i) {
    entries.push_back(MakeEntry(fmt::format("{}", i), ""));
    table.Put(entries.back().get());
    table.TakeOldArray();
    if (entries.size() > 20) {
      EXPECT_TRUE(table.Erase(entries.front().get()));
      entries.pop_front();
    }
  }
  EXPECT_EQ(table.bytes(), bytes_at_first);
  for (const EntryPtr& entry : entries) EXPECT_EQ(table.Find(entry->key), entry.get());
}

// Compares the table with a std::map. Many keys have the same first place and the same tag.
TEST(EntryTableTest, HoldsWhatAMapHoldsWhateverComes) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    EntryTable table;
    std::map<uint64_t, EntryPtr> model;
    const uint64_t numbers = 50u << seed;
    for (int i = 0; i < 20'000; ++i) {
      const uint64_t number = random() % numbers;
      EntryPtr entry = MakeEntryAt(number % 16, number, number % 3 << 48);
      const auto known = model.find(number);
      const Entry* const expected = known == model.end() ? nullptr : known->second.get();
      ASSERT_EQ(table.Find(entry->key), expected) << i;
      if (random() % 2 == 0) {
        ASSERT_EQ(table.Put(entry.get()), expected) << i;
        table.TakeOldArray();
        model[number] = std::move(entry);
      } else if (expected != nullptr) {
        ASSERT_TRUE(table.Erase(expected)) << i;
        model.erase(known);
      }
      ASSERT_EQ(table.size(), model.size());
    }
  }
}

// Threads read without a lock while others add, replace and erase entries and make the table grow.
// Entries that stay are always found, and a found entry has the right key and is not freed.
TEST(EntryTableTest, ReadersAreNotDisturbedByWriters) {
  constexpr uint64_t kStaying = 50;
  constexpr int kWrites = 20'000;
  EntryTable table;
  Mutex mutex;  // the writers' lock
  struct Retired {
    uint64_t era;
    EntryPtr entry;
    std::unique_ptr<EntryTable::Array> array;
  };
  std::deque<Retired> retired;
  std::vector<EntryPtr> staying;
  const auto name = [](uint64_t number) { return fmt::format("{}", number); };
  for (uint64_t i = 0; i < kStaying; ++i) {
    staying.push_back(MakeEntry(name(i), name(i)));
    table.Put(staying.back().get());
    table.TakeOldArray();
  }

  std::atomic<int> writing{2};
  std::vector<std::thread> threads;
  for (unsigned seed = 0; seed < 2; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      for (int i = 0; i < kWrites; ++i) {
        // The number of keys increases, so that the table grows several times.
        const std::string key = name(kStaying + random() % (20 + static_cast<unsigned>(i) / 8));
        EntryPtr entry = MakeEntry(key, key);
        std::vector<Retired> freed;
        MutexLock lock(&mutex);
        const Entry* gone = nullptr;
        if (random() % 3 != 0) {
          gone = table.Put(entry.Detach());
        } else if (const Entry* const found = table.Find(entry->key)) {
          table.Erase(found);
          gone = found;
        }
        auto array = table.TakeOldArray();
        if (gone != nullptr || array != nullptr) {
          retired.push_back({ReadSection::EndEra(), EntryPtr::Adopt(gone), std::move(array)});
        }
        const uint64_t oldest = ReadSection::OldestEra();
        while (!retired.empty() && retired.front().era < oldest) {
          freed.push_back(std::move(retired.front()));
          retired.pop_front();
        }
      }
      --writing;
    });
  }
  for (unsigned seed = 2; seed < 4; ++seed) {
    threads.emplace_back([&, seed] {
      std::mt19937 random(seed);
      while (writing > 0) {
        const uint64_t number = random() % (4 * kStaying);
        const std::string key = name(number);
        const Fingerprint fingerprint = KeyOf(key);
        EntryPtr hit;
        {
          const ReadSection section;
          ASSERT_TRUE(section.entered());
          hit = EntryPtr(table.Find(fingerprint));
        }
        if (number < kStaying) {
          ASSERT_EQ(hit, staying[number]);
        }
        if (hit != nullptr) {
          ASSERT_EQ(hit->value(), key);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(table.bytes(), 1024 * sizeof(EntryTable::Word));
  for (const EntryPtr& entry : staying) table.Erase(entry.get());
  table.ForEach([](const Entry* entry) { entry->Release(); });
}

}  // namespace
}  // namespace souvenir::cache
