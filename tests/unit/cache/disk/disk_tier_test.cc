#include "cache/disk/disk_tier.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "tests/fakes/file_size_limit.h"
#include "tests/unit/cache/disk/copy_store.h"
#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

DiskTier::Options OptionsFor(const TemporaryDirectory& directory) {
  DiskTier::Options options;
  options.store = {.directory = directory.path(), .limit_bytes = 16u << 20, .segments = 4};
  options.write_queue_bytes = 1u << 20;
  return options;
}

std::unique_ptr<DiskTier> Open(const DiskTier::Options& options, EpochTable* epochs) {
  auto tier = DiskTier::Open(options, epochs);
  EXPECT_TRUE(tier.ok()) << tier.status();
  return *std::move(tier);
}

TEST(DiskTierTest, WhatWasQueuedIsThereAfterAStop) {
  const TemporaryDirectory directory;
  EpochTable epochs;
  {
    const auto tier = Open(OptionsFor(directory), &epochs);
    for (int i = 0; i < 1000; ++i)
      tier->Write(MakeEntry(fmt::format("{}", i), fmt::format("v{}", i)));
    tier->Stop();
    EXPECT_EQ(tier->stats().dropped_writes, 0u);
  }
  const auto tier = Open(OptionsFor(directory), &epochs);
  for (int i = 0; i < 1000; ++i) {
    const EntryPtr entry = tier->Read(KeyOf(fmt::format("{}", i)));
    ASSERT_NE(entry, nullptr) << i;
    EXPECT_EQ(entry->value(), fmt::format("v{}", i));
  }
  EXPECT_EQ(tier->Read(KeyOf("other")), nullptr);
}

TEST(DiskTierTest, WhatTheQueueHasNoRoomForIsDroppedAndCounted) {
  const TemporaryDirectory directory;
  EpochTable epochs;
  const auto tier = Open(OptionsFor(directory), &epochs);
  tier->Write(MakeEntry("large", std::string(2u << 20, 'x')));
  EXPECT_EQ(tier->stats().dropped_writes, 1u);
  tier->Flush();
  EXPECT_EQ(tier->Read(KeyOf("large")), nullptr);
}

TEST(DiskTierTest, WhatWasInvalidatedWhileItWaitedIsNotWritten) {
  const TemporaryDirectory directory;
  EpochTable epochs;
  const auto tier = Open(OptionsFor(directory), &epochs);
  const EntryPtr entry = MakeEntry("a", "v");
  epochs.Advance(EpochTable::Key(entry->key));
  tier->Write(entry);
  tier->Flush();
  EXPECT_EQ(tier->Read(KeyOf("a")), nullptr);
}

TEST(DiskTierTest, EpochsComeBackOnOpening) {
  const TemporaryDirectory directory;
  {
    EpochTable epochs;
    const auto tier = Open(OptionsFor(directory), &epochs);
    ASSERT_TRUE(tier->SaveEpoch(7, 2).ok());
  }
  EpochTable epochs;
  const auto tier = Open(OptionsFor(directory), &epochs);
  EXPECT_EQ(epochs.Get(7), 2u);
}

TEST(DiskTierTest, ADamagedStoreIsMovedAsideAndServingGoesOn) {
  const TemporaryDirectory parent;
  DiskTier::Options options;
  options.store = {.directory = parent.path() + "/cache", .limit_bytes = 16u << 20};
  EpochTable epochs;
  {
    const auto tier = Open(options, &epochs);
    tier->Write(MakeEntry("a", "v"));
  }
  std::ofstream(options.store.directory + "/CURRENT") << "nonsense";
  const auto tier = Open(options, &epochs);
  EXPECT_EQ(tier->stats().moved_aside, 1u);
  EXPECT_EQ(tier->Read(KeyOf("a")), nullptr);
  EXPECT_TRUE(std::filesystem::exists(options.store.directory + ".damaged/CURRENT"));
  tier->Write(MakeEntry("b", "v"));
  tier->Flush();
  EXPECT_NE(tier->Read(KeyOf("b")), nullptr);
}

EntryPtr OfTenant(int number, const EpochTable& epochs, size_t bytes = 5) {
  return MakeEntry(std::to_string(number), std::string(bytes, 'v'), [&](Entry::Fields& fields) {
    fields.origin = Origin::Create({"tenant " + std::to_string(number), "model", "1", "digest"});
    EpochStamp stamp;
    epochs.Stamp({EpochTable::All(), fields.origin->tenant_slot(), fields.origin->model_slot(),
                  EpochTable::Key(fields.key)},
                 &stamp);
    fields.epoch_sum = EpochSum(stamp);
  });
}

TEST(DiskTierTest, TenantsGoWhenTheirEntriesAreInvalidated) {
  const TemporaryDirectory directory;
  EpochTable epochs;
  {
    const auto tier = Open(OptionsFor(directory), &epochs);
    for (int i = 0; i < 1000; ++i) tier->Write(OfTenant(i, epochs));
    tier->Flush();
    EXPECT_EQ(tier->stats().origins, 1000u);
    EXPECT_GT(tier->stats().origin_bytes, 0u);
    ASSERT_TRUE(tier->SaveEpoch(EpochTable::All(), epochs.Get(EpochTable::All()) + 1).ok());
    epochs.Advance(EpochTable::All());
    tier->SweepOrigins();
    tier->Write(OfTenant(1, epochs));
    tier->Flush();  // waits for the entries queued before
    tier->Write(OfTenant(2, epochs));
    tier->Flush();
    EXPECT_LE(tier->stats().origins, 2u);
    EXPECT_NE(tier->Read(KeyOf("1")), nullptr);
  }
  EpochTable again;
  const auto tier = Open(OptionsFor(directory), &again);
  EXPECT_LE(tier->stats().origins, 3u) << "not in memory only";
  EXPECT_NE(tier->Read(KeyOf("2")), nullptr);
  EXPECT_EQ(tier->Read(KeyOf("3")), nullptr);
}

TEST(DiskTierTest, TenantsGoWithTheSegmentsOfTheirEntries) {
  const TemporaryDirectory directory;
  EpochTable epochs;
  const auto tier = Open(OptionsFor(directory), &epochs);
  for (int i = 0; i < 400; ++i) tier->WriteWaiting(OfTenant(i, epochs, 100 << 10));
  tier->Flush();
  ASSERT_GT(tier->stats().store.dropped_entries, 0u);
  EXPECT_LT(tier->stats().origins, 400u);
  EXPECT_NE(tier->Read(KeyOf("399")), nullptr);
}

TEST(DiskTierTest, TenantsTakeNoMoreMemoryThanTheyMay) {
  const TemporaryDirectory directory;
  EpochTable epochs;
  DiskTier::Options options = OptionsFor(directory);
  options.most_origin_bytes = 64 << 10;
  const auto tier = Open(options, &epochs);
  for (int i = 0; i < 1000; ++i) tier->Write(OfTenant(i, epochs));
  tier->Flush();
  EXPECT_LE(tier->stats().origin_bytes, options.most_origin_bytes);
  EXPECT_EQ(tier->stats().dropped_writes + tier->stats().origins, 1000u);
}

TEST(DiskTierTest, AStoreWithAFifoForAFileIsMovedAsideAndNotWaitedFor) {
  const TemporaryDirectory parent;
  DiskTier::Options options;
  options.store = {.directory = parent.path() + "/cache", .limit_bytes = 16u << 20};
  std::filesystem::create_directory(options.store.directory);
  ASSERT_EQ(mkfifo((options.store.directory + "/CURRENT").c_str(), 0600), 0);
  EpochTable epochs;
  EXPECT_EQ(Open(options, &epochs)->stats().moved_aside, 1u);
}

TEST(DiskTierTest, WritesThatFailDegradeItAndItComesBackByItself) {
  const TemporaryDirectory directory;
  Mutex mutex;
  CondVar changed;
  std::deque<bool> told;
  const auto next = [&] {
    MutexLock lock(&mutex);
    while (told.empty()) changed.Wait(&mutex);
    const bool healthy = told.front();
    told.pop_front();
    return healthy;
  };
  DiskTier::Options options = OptionsFor(directory);
  options.retry_interval = absl::Milliseconds(1);
  options.on_health = [&](bool healthy) {
    MutexLock lock(&mutex);
    told.push_back(healthy);
    changed.NotifyAll();
  };
  EpochTable epochs;
  {
    const auto tier = Open(options, &epochs);
    tier->Write(MakeEntry("before", "v"));
    tier->Flush();
    {
      const FileSizeLimit limit(0);  // makes even the small writes of retries fail
      tier->Write(MakeEntry("lost", std::string(100'000, 'x')));
      EXPECT_FALSE(next());
      EXPECT_FALSE(tier->healthy());
      EXPECT_EQ(tier->SaveEpoch(9, 5).code(), absl::StatusCode::kUnavailable);
      tier->Flush();
      EXPECT_EQ(tier->stats().dropped_writes, 1u);
    }
    EXPECT_TRUE(next()) << "nothing was written meanwhile";
    EXPECT_NE(tier->Read(KeyOf("before")), nullptr);
    tier->Write(MakeEntry("after", "v"));
    tier->Flush();
    EXPECT_NE(tier->Read(KeyOf("after")), nullptr);
  }
  EpochTable later;
  const auto tier = Open(options, &later);
  EXPECT_EQ(later.Get(9), 5u) << "an epoch that could not be saved is saved later";
  EXPECT_NE(tier->Read(KeyOf("before")), nullptr);
  EXPECT_NE(tier->Read(KeyOf("after")), nullptr);
}

// If the callback ran under a lock, a call from it that needs the lock would never return.
TEST(DiskTierTest, HealthIsReportedOutsideEveryLockAndInOrder) {
  const TemporaryDirectory directory;
  Mutex mutex;
  CondVar changed;
  std::vector<bool> told;
  DiskTier* called = nullptr;
  DiskTier::Options options = OptionsFor(directory);
  options.retry_interval = absl::Milliseconds(1);
  options.on_health = [&](bool healthy) {
    if (!healthy) {
      EXPECT_EQ(called->SaveEpoch(11, 1).code(), absl::StatusCode::kUnavailable);
    }
    MutexLock lock(&mutex);
    told.push_back(healthy);
    changed.NotifyAll();
  };
  {
    EpochTable epochs;
    const auto tier = Open(options, &epochs);
    called = tier.get();
    {
      const FileSizeLimit limit(0);
      EXPECT_EQ(tier->SaveEpoch(9, 5).code(), absl::StatusCode::kUnavailable);
    }
    MutexLock lock(&mutex);
    while (told.size() < 2) changed.Wait(&mutex);
    EXPECT_EQ(told, (std::vector<bool>{false, true}));
  }
  EpochTable later;
  const auto tier = Open(options, &later);
  EXPECT_EQ(later.Get(9), 5u);
  EXPECT_EQ(later.Get(11), 1u);
}

// The copied files of an open tier are in the state in which a crash leaves them.
TEST(DiskTierTest, AfterACrashTheFilterThatIsLackingIsMadeByTheWriter) {
  const TemporaryDirectory directory;
  DiskTier::Options options = OptionsFor(directory);
  const std::string before = directory.path() + "/before";
  const std::string after = directory.path() + "/after";
  options.store.directory = before;
  EpochTable epochs;
  {
    const auto tier = Open(options, &epochs);
    for (int i = 0; i < 1000; ++i) tier->Write(MakeEntry(fmt::format("{}", i), "v"));
    tier->Flush();
    CopyStore(before, after);
  }
  options.store.directory = after;
  const auto tier = Open(options, &epochs);
  while (tier->stats().store.filtered_segments < tier->stats().store.segments) {
    std::this_thread::yield();
  }
  for (int i = 0; i < 1000; ++i) {
    EXPECT_NE(tier->Read(KeyOf(fmt::format("{}", i))), nullptr) << i;
  }
  EXPECT_EQ(tier->Read(KeyOf("other")), nullptr);
}

TEST(DiskTierTest, NothingIsTakenAfterAStop) {
  const TemporaryDirectory directory;
  EpochTable epochs;
  const auto tier = Open(OptionsFor(directory), &epochs);
  tier->Stop();
  tier->Write(MakeEntry("a", "v"));
  EXPECT_EQ(tier->stats().dropped_writes, 1u);
  tier->Stop();
}

}  // namespace
}  // namespace souvenir::cache
