#include "cache/disk_tier.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

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
    epochs.Advance(7);
    epochs.Advance(7);
    ASSERT_TRUE(tier->SaveEpoch(7).ok());
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
