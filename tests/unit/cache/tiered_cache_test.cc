#include "cache/tiered_cache.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

class TieredCacheTest : public testing::Test {
 protected:
  TieredCacheTest() { Reopen(); }

  // As a restart does.
  void Reopen() {
    cache_.reset();
    TieredCache::Options options;
    options.memory = {.limit_bytes = 1u << 20, .shards = 1};
    options.disk = DiskTier::Options{
        .store = {.directory = directory_.path(), .limit_bytes = 16u << 20, .segments = 4}};
    auto cache = TieredCache::Create(options);
    ASSERT_TRUE(cache.ok()) << cache.status();
    cache_ = *std::move(cache);
  }

  EntryPtr EntryOfToday(std::string_view name) {
    return MakeEntry(name, name, [&](Entry::Fields& fields) {
      fields.tags = {"tag"};
      cache_->epochs().Stamp(
          {EpochTable::All(), EpochTable::Tenant("tenant"), EpochTable::Model("model"),
           EpochTable::Key(fields.key), EpochTable::Tag("tag")},
          &fields.epochs);
    });
  }

  void InsertEverywhere(std::string_view name) {
    cache_->Insert(EntryOfToday(name));
    cache_->disk().Flush();
  }

  bool InMemory(std::string_view name) { return cache_->LookupMemory(KeyOf(name)) != nullptr; }
  bool OnDisk(std::string_view name) { return cache_->ReadDisk(KeyOf(name)) != nullptr; }

  TemporaryDirectory directory_;
  std::unique_ptr<TieredCache> cache_;
};

TEST_F(TieredCacheTest, AnAnswerIsInMemoryAndAfterARestartOnDisk) {
  InsertEverywhere("a");
  EXPECT_TRUE(InMemory("a"));
  Reopen();
  EXPECT_FALSE(InMemory("a"));
  EXPECT_TRUE(OnDisk("a"));
  EXPECT_TRUE(InMemory("a")) << "what was read from disk is in memory from then on";
}

TEST_F(TieredCacheTest, AProbeThatFindsPutsIntoMemory) {
  InsertEverywhere("a");
  Reopen();
  EntryPtr entry;
  // Right after opening, the records of the log have been written out: only reading can tell.
  if (cache_->ProbeDisk(KeyOf("a"), &entry) == SegmentStore::Presence::kUnknown) {
    ASSERT_TRUE(OnDisk("a"));
  }
  EXPECT_TRUE(InMemory("a"));
  EXPECT_EQ(cache_->ProbeDisk(KeyOf("absent"), &entry), SegmentStore::Presence::kAbsent);
}

struct Case {
  const char* name;
  Invalidation what;
};

class InvalidationTest : public TieredCacheTest, public testing::WithParamInterface<Case> {};

TEST_P(InvalidationTest, WhatWasMadeBeforeIsGoneForGood) {
  InsertEverywhere("a");
  const auto dropped = cache_->Invalidate(GetParam().what);
  ASSERT_TRUE(dropped.ok()) << dropped.status();
  EXPECT_EQ(*dropped, 1u);
  EXPECT_FALSE(InMemory("a"));
  EXPECT_FALSE(OnDisk("a"));
  Reopen();
  EXPECT_FALSE(OnDisk("a"));
  InsertEverywhere("a");
  EXPECT_TRUE(InMemory("a")) << "what is made after it is kept";
  Reopen();
  EXPECT_TRUE(OnDisk("a"));
}

TEST_P(InvalidationTest, AnAnswerThatWasUnderWayDoesNotFillTheCache) {
  const auto under_way = EntryOfToday("a");
  ASSERT_TRUE(cache_->Invalidate(GetParam().what).ok());
  cache_->Insert(under_way);
  cache_->disk().Flush();
  EXPECT_FALSE(InMemory("a"));
  EXPECT_FALSE(OnDisk("a"));
}

INSTANTIATE_TEST_SUITE_P(Scopes, InvalidationTest,
                         testing::Values(Case{"Key", InvalidateKey{KeyOf("a")}},
                                         Case{"Tag", InvalidateTag{"tag"}},
                                         Case{"Model", InvalidateModel{"model"}},
                                         Case{"Tenant", InvalidateTenant{"tenant"}},
                                         Case{"All", InvalidateAll{}}),
                         [](const auto& info) { return info.param.name; });

TEST_F(TieredCacheTest, AnInvalidationLeavesTheRestAlone) {
  InsertEverywhere("a");
  InsertEverywhere("b");
  ASSERT_TRUE(cache_->Invalidate(InvalidateKey{KeyOf("a")}).ok());
  ASSERT_TRUE(cache_->Invalidate(InvalidateModel{"another"}).ok());
  ASSERT_TRUE(cache_->Invalidate(InvalidateTag{"another"}).ok());
  EXPECT_FALSE(InMemory("a"));
  EXPECT_TRUE(InMemory("b"));
  EXPECT_TRUE(OnDisk("b"));
}

TEST(TieredCacheMemoryOnlyTest, WorksWithoutADisk) {
  auto cache = TieredCache::Create({});
  ASSERT_TRUE(cache.ok());
  EXPECT_FALSE((*cache)->has_disk());
  (*cache)->Insert(MakeEntry("a", "v"));
  EXPECT_NE((*cache)->LookupMemory(KeyOf("a")), nullptr);
  EXPECT_EQ((*cache)->ReadDisk(KeyOf("a")), nullptr);
  EXPECT_TRUE((*cache)->Invalidate(InvalidateAll{}).ok());
  (*cache)->Stop();
}

}  // namespace
}  // namespace souvenir::cache
