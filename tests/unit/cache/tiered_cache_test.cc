#include "cache/tiered_cache.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>

#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

class TieredCacheTest : public testing::Test {
 protected:
  TieredCacheTest() { Reopen(); }

  // Reopens the cache, as a restart does.
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
      EpochStamp stamp;
      cache_->epochs().Stamp(
          {EpochTable::All(), EpochTable::Tenant("tenant"), EpochTable::Model("model"),
           EpochTable::Key(fields.key), EpochTable::Tag("tag")},
          &stamp);
      fields.epoch_sum = EpochSum(stamp);
    });
  }

  void InsertEverywhere(std::string_view name) {
    cache_->Insert(EntryOfToday(name));
    cache_->Flush();
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
  // After opening, the records of the log are in files, so only a read may be able to tell.
  if (cache_->ProbeDisk(KeyOf("a"), &entry) == SegmentStore::Presence::kUnknown) {
    ASSERT_TRUE(OnDisk("a"));
  }
  EXPECT_TRUE(InMemory("a"));
  EXPECT_EQ(cache_->ProbeDisk(KeyOf("absent"), &entry), SegmentStore::Presence::kAbsent);
}

struct Case {
  const char* name;
  Invalidation what;

  friend void PrintTo(const Case& printed, std::ostream* out) { *out << printed.name; }
};

class InvalidationTest : public TieredCacheTest, public testing::WithParamInterface<Case> {};

TEST_P(InvalidationTest, WhatWasMadeBeforeIsGoneForGood) {
  InsertEverywhere("a");
  const absl::Status done = cache_->Invalidate(GetParam().what);
  ASSERT_TRUE(done.ok()) << done;
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
  cache_->Flush();
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

// Dead entries are freed in the background; a single key's entry at once.
TEST_F(TieredCacheTest, WhatIsDeadLeavesMemory) {
  for (int i = 0; i < 1000; ++i) cache_->Insert(EntryOfToday(fmt::format("{}", i)));
  ASSERT_EQ(cache_->memory().stats().entries, 1000u);
  ASSERT_TRUE(cache_->Invalidate(InvalidateKey{KeyOf("7")}).ok());
  EXPECT_EQ(cache_->memory().stats().entries, 999u);
  ASSERT_TRUE(cache_->Invalidate(InvalidateModel{"model"}).ok());
  while (cache_->memory().stats().entries > 0) std::this_thread::yield();
  EXPECT_EQ(cache_->memory().stats().invalidated, 1000u);
}

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

// Returns the values that an export would write.
std::multiset<std::string> Exported(TieredCache* cache) {
  std::multiset<std::string> values;
  const absl::Status status = cache->Export([&](const Entry& entry) {
    values.emplace(entry.value());
    return true;
  });
  EXPECT_TRUE(status.ok()) << status;
  return values;
}

constexpr absl::Time kNow = absl::FromUnixSeconds(1'767'225'600);  // MakeEntry() uses this time

bool Import(TieredCache* cache, const Entry& entry, const EpochTable& epochs) {
  return cache->Import({.key = entry.key,
                        .origin = entry.origin_ptr(),
                        .value = entry.value(),
                        .created_at = entry.created_at(),
                        .cost = entry.cost(),
                        .tags = entry.tags()},
                       epochs, kNow);
}

TEST_F(TieredCacheTest, AnExportHasWhatIsInMemoryAndOnDisk) {
  InsertEverywhere("a");
  InsertEverywhere("b");
  Reopen();
  EXPECT_TRUE(OnDisk("b"));  // adds it to memory, too
  InsertEverywhere("c");
  EXPECT_EQ(Exported(cache_.get()), (std::multiset<std::string>{"a", "b", "c"}));
}

TEST_F(TieredCacheTest, AnExportLeavesOutWhatIsNoLongerServed) {
  InsertEverywhere("a");
  ASSERT_TRUE(cache_->Invalidate(InvalidateAll{}).ok());
  InsertEverywhere("b");
  EXPECT_EQ(Exported(cache_.get()), (std::multiset<std::string>{"b"}));
}

// The export does not depend on the dates of entries.
TEST_F(TieredCacheTest, AnExportHasWhatMemoryAloneHas) {
  const auto made_at = [](std::string_view value, absl::Time at) {
    return MakeEntry("a", value, [&](Entry::Fields& fields) { fields.created_at = at; });
  };
  cache_->Insert(made_at("ahead", kNow + absl::Hours(24)));
  cache_->Flush();
  cache_->Stop();  // from here on nothing reaches the disk
  cache_->Insert(made_at("right", kNow));
  EXPECT_EQ(Exported(cache_.get()), (std::multiset<std::string>{"ahead", "right"}));
}

TEST_F(TieredCacheTest, AnExportEndsWhenItsReaderHasEnough) {
  for (const char* name : {"a", "b", "c"}) InsertEverywhere(name);
  int seen = 0;
  EXPECT_TRUE(cache_->Export([&](const Entry&) { return ++seen < 2; }).ok());
  EXPECT_EQ(seen, 2);
}

TEST_F(TieredCacheTest, WhatIsImportedIsServedAfterARestartToo) {
  // This cache's epochs differ from those under which the entry was made.
  ASSERT_TRUE(cache_->Invalidate(InvalidateAll{}).ok());
  const EntryPtr entry = MakeEntry("a", "v");
  EXPECT_TRUE(Import(cache_.get(), *entry, cache_->epochs()));
  EXPECT_TRUE(InMemory("a"));
  cache_->Flush();
  Reopen();
  EXPECT_TRUE(OnDisk("a"));
  EXPECT_FALSE(Import(cache_.get(), *entry, cache_->epochs())) << "it is known already";
}

TEST_P(InvalidationTest, HoldsForAnImportThatIsUnderWay) {
  EpochTable before;
  cache_->epochs().CopyTo(&before);
  ASSERT_TRUE(cache_->Invalidate(GetParam().what).ok());
  EXPECT_FALSE(Import(cache_.get(), *EntryOfToday("a"), before));
  EXPECT_FALSE(InMemory("a"));
  EXPECT_TRUE(Import(cache_.get(), *EntryOfToday("a"), cache_->epochs()));
}

TEST_F(TieredCacheTest, OfTwoAnswersTheNewerStays) {
  const auto import_made_at = [&](int64_t seconds) {
    const EntryPtr entry = MakeEntry("a", "v", [&](Entry::Fields& fields) {
      fields.created_at = absl::FromUnixSeconds(seconds);
    });
    return Import(cache_.get(), *entry, cache_->epochs());
  };
  EXPECT_TRUE(import_made_at(1000));
  EXPECT_FALSE(import_made_at(999));
  EXPECT_TRUE(import_made_at(1001));
  EXPECT_EQ(cache_->LookupMemory(KeyOf("a"))->created_at(), absl::FromUnixSeconds(1001));
}

TEST_F(TieredCacheTest, AnAnswerDatedInTheFutureIsNotTheNewer) {
  const auto import_made_at = [&](absl::Time created_at) {
    const EntryPtr entry =
        MakeEntry("a", "v", [&](Entry::Fields& fields) { fields.created_at = created_at; });
    return Import(cache_.get(), *entry, cache_->epochs());
  };
  EXPECT_TRUE(import_made_at(kNow + absl::Hours(8760)));
  EXPECT_FALSE(import_made_at(kNow + absl::Hours(9000))) << "neither is newer";
  EXPECT_TRUE(import_made_at(kNow - absl::Hours(1)));
  EXPECT_FALSE(import_made_at(kNow + absl::Seconds(1)));
  EXPECT_EQ(cache_->LookupMemory(KeyOf("a"))->created_at(), kNow - absl::Hours(1));
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

TEST_F(TieredCacheTest, AnswersOfATenantOrModelAreKnownAfterARestartToo) {
  const auto has = [&](std::string_view tenant, std::string_view model) {
    return cache_->HasAnswersOf(
        [&](const Origin& origin) { return origin.tenant() == tenant && origin.model() == model; });
  };
  const auto insert = [&](const std::string& tenant) {
    cache_->Insert(MakeEntry(tenant, "value", [&](Entry::Fields& fields) {
      fields.origin =
          cache_->SharedOrigin(Origin::Create({tenant, "model", "1", std::string(64, 'd')}));
    }));
  };
  EXPECT_FALSE(has("acme", "model"));
  insert("acme");
  EXPECT_TRUE(has("acme", "model"));
  EXPECT_FALSE(has("acmee", "model"));
  EXPECT_FALSE(has("acme", "other"));
  cache_->Flush();
  Reopen();
  EXPECT_TRUE(has("acme", "model")) << "it is on disk";
  ASSERT_TRUE(cache_->Invalidate(InvalidateTenant{"acme"}).ok());
  EXPECT_FALSE(has("acme", "model")) << "nothing of it was in memory";
}

// The sweep is in the background; ctest's timeout bounds the wait.
TEST_F(TieredCacheTest, TenantsAreGoneFromBothTiersAfterAnInvalidation) {
  constexpr int kTenants = 500;
  for (int i = 0; i < kTenants; ++i) {
    const std::string tenant = "tenant " + std::to_string(i);
    cache_->Insert(MakeEntry(tenant, "value", [&](Entry::Fields& fields) {
      fields.origin =
          cache_->SharedOrigin(Origin::Create({tenant, "model", "1", std::string(64, 'd')}));
    }));
  }
  cache_->Flush();
  EXPECT_EQ(cache_->disk_stats()->origins, uint64_t{kTenants});
  EXPECT_GT(cache_->memory().stats().origin_bytes, 0u);
  ASSERT_TRUE(cache_->Invalidate(InvalidateAll{}).ok());
  while (cache_->memory().stats().origin_bytes > 0 || cache_->disk_stats()->origins > 0) {
    std::this_thread::yield();
  }
  EXPECT_EQ(cache_->disk_stats()->origin_bytes, 0u);
}

}  // namespace
}  // namespace souvenir::cache
