#include "cache/disk/segment_store.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <sys/resource.h>

#include <cstdlib>
#include <fstream>
#include <map>

#include "tests/unit/cache/disk/copy_store.h"
#include "tests/unit/cache/test_entries.h"

namespace souvenir::cache {
namespace {

constexpr uint64_t kLeastLimit = 16u << 20;

std::unique_ptr<SegmentStore> Open(const std::string& directory, uint32_t segments = 4) {
  auto store = SegmentStore::Open(
      {.directory = directory, .limit_bytes = kLeastLimit, .segments = segments});
  EXPECT_TRUE(store.ok()) << store.status();
  return *std::move(store);
}

std::optional<std::string> Read(const SegmentStore& store, std::string_view name) {
  const auto record = store.Read(KeyOf(name));
  EXPECT_TRUE(record.ok()) << record.status();
  return *record;
}

TEST(SegmentStoreTest, RecordsAreFoundAgainAfterReopening) {
  const TemporaryDirectory directory;
  {
    const auto store = Open(directory.path());
    ASSERT_TRUE(store->Write({{KeyOf("a"), "one"}, {KeyOf("b"), "two"}}).ok());
    EXPECT_EQ(Read(*store, "a"), "one");
  }
  const auto store = Open(directory.path());
  EXPECT_EQ(Read(*store, "a"), "one");
  EXPECT_EQ(Read(*store, "b"), "two");
  EXPECT_EQ(Read(*store, "c"), std::nullopt);
}

TEST(SegmentStoreTest, ALaterRecordWins) {
  const TemporaryDirectory directory;
  const auto store = Open(directory.path());
  ASSERT_TRUE(store->Write({{KeyOf("a"), "old"}}).ok());
  ASSERT_TRUE(store->Write({{KeyOf("a"), "new"}}).ok());
  EXPECT_EQ(Read(*store, "a"), "new");
}

TEST(SegmentStoreTest, AProbeSeesWhatWasJustWrittenAndWhatIsAbsent) {
  const TemporaryDirectory directory;
  const auto store = Open(directory.path());
  ASSERT_TRUE(store->Write({{KeyOf("a"), "one"}}).ok());
  std::string record;
  EXPECT_EQ(store->Probe(KeyOf("a"), &record), SegmentStore::Presence::kFound);
  EXPECT_EQ(record, "one");
  EXPECT_EQ(store->Probe(KeyOf("b"), &record), SegmentStore::Presence::kAbsent);
}

constexpr int kRecords = 2000;

std::string Numbered(int i) { return fmt::format("{}", i); }

void WriteNumbered(SegmentStore* store, int begin, int end) {
  for (int i = begin; i < end; ++i) {
    ASSERT_TRUE(store->Write({{KeyOf(Numbered(i)), std::string(1000, 'x') + Numbered(i)}}).ok());
  }
}

void ExpectNumbered(const SegmentStore& store, int begin, int end) {
  for (int i = begin; i < end; ++i) {
    ASSERT_EQ(Read(store, Numbered(i)), std::string(1000, 'x') + Numbered(i));
    std::string record;
    EXPECT_NE(store.Probe(KeyOf(Numbered(i)), &record), SegmentStore::Presence::kAbsent) << i;
  }
}

TEST(SegmentStoreTest, FiltersAreKeptByAStop) {
  const TemporaryDirectory directory;
  WriteNumbered(Open(directory.path(), 16).get(), 0, kRecords);
  const auto store = Open(directory.path(), 16);
  EXPECT_GT(store->stats().segments, 2u);
  EXPECT_EQ(store->stats().filtered_segments, store->stats().segments);
  ExpectNumbered(*store, 0, kRecords);
  WriteNumbered(store.get(), kRecords, kRecords + 100);
  ExpectNumbered(*store, 0, kRecords + 100);
}

// The copied files of an open store are in the state in which a crash leaves them.
TEST(SegmentStoreTest, AfterACrashTheNewestSegmentsFilterIsMadeAnew) {
  const TemporaryDirectory directory;
  const std::string before = directory.path() + "/before";
  const std::string after = directory.path() + "/after";
  {
    // The first store saves a filter of the newest segment when it closes. Later writes make that
    // filter out of date.
    WriteNumbered(Open(before, 16).get(), 0, 10);
    const auto store = Open(before, 16);
    WriteNumbered(store.get(), 10, kRecords);
    CopyStore(before, after);
  }
  const auto store = Open(after, 16);
  const uint64_t segments = store->stats().segments;
  EXPECT_GT(segments, 2u);
  EXPECT_EQ(store->stats().filtered_segments, segments - 1);
  ExpectNumbered(*store, 0, kRecords);

  store->BuildFilters([] { return false; });
  EXPECT_EQ(store->stats().filtered_segments, segments - 1) << "it was to stop at once";
  store->BuildFilters([] { return true; });
  EXPECT_EQ(store->stats().filtered_segments, segments);
  ExpectNumbered(*store, 0, kRecords);
  WriteNumbered(store.get(), kRecords, kRecords + 100);
  ExpectNumbered(*store, 0, kRecords + 100);
  EXPECT_EQ(Read(*store, "other"), std::nullopt);
}

// Replaces each saved filter of a closed store by `value`.
void ReplaceFilters(const std::string& directory, const std::string& value) {
  std::vector<std::string> names;
  ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(rocksdb::DBOptions(), directory, &names).ok());
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(rocksdb::DBOptions(), directory, families, &handles, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  std::vector<std::string> kept;
  {
    const std::unique_ptr<rocksdb::Iterator> it(db->NewIterator(rocksdb::ReadOptions()));
    for (it->Seek("filter:"); it->Valid() && it->key().starts_with("filter:"); it->Next()) {
      kept.push_back(it->key().ToString());
    }
  }
  EXPECT_GT(kept.size(), 2u);
  for (const std::string& key : kept) {
    ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), key, value).ok());
  }
  for (rocksdb::ColumnFamilyHandle* const handle : handles) db->DestroyColumnFamilyHandle(handle);
}

TEST(SegmentStoreTest, FiltersThatAreDamagedAreMadeAnew) {
  const TemporaryDirectory directory;
  WriteNumbered(Open(directory.path(), 16).get(), 0, kRecords);
  ReplaceFilters(directory.path(), "damaged");
  {
    const auto store = Open(directory.path(), 16);
    EXPECT_EQ(store->stats().filtered_segments, 0u);
    ExpectNumbered(*store, 0, kRecords);
    store->BuildFilters([] { return true; });
    EXPECT_EQ(store->stats().filtered_segments, store->stats().segments);
    ExpectNumbered(*store, 0, kRecords);
  }
  const auto store = Open(directory.path(), 16);
  EXPECT_EQ(store->stats().filtered_segments, store->stats().segments);
  ExpectNumbered(*store, 0, kRecords);
}

// Works with a limit of open files below the number of files. Ends the process.
void WorkWithFewOpenFiles() {
  const rlimit files{60, 60};
  setrlimit(RLIMIT_NOFILE, &files);
  {
    const TemporaryDirectory directory;
    const auto store = Open(directory.path(), 16);
    WriteNumbered(store.get(), 0, kRecords);
    ExpectNumbered(*store, 0, kRecords);
  }
  std::exit(testing::Test::HasFailure() ? 1 : 0);
}

TEST(SegmentStoreTest, WorksWithFewOpenFilesAndSaysSo) {
  // The child process is started anew, because a forked one would lack RocksDB's threads.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(WorkWithFewOpenFiles(), testing::ExitedWithCode(0), "the limit of open files");
}

// The oldest segments are dropped, the newest stay, and the files never exceed the limit.
TEST(SegmentStoreTest, TheOldestSegmentsAreDroppedToStayUnderTheLimit) {
  const TemporaryDirectory directory;
  const auto store = Open(directory.path());
  std::string noise(64 << 10, '\0');
  uint32_t state = 1;
  constexpr int kLarge = 600;  // 37 MiB
  for (int i = 0; i < kLarge; ++i) {
    for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    ASSERT_TRUE(store->Write({{KeyOf(fmt::format("{}", i)), noise}}).ok());
    EXPECT_LE(store->stats().bytes, kLeastLimit);
    if (i % 50 == 0) {
      uint64_t on_disk = 0;
      for (const auto& file : std::filesystem::recursive_directory_iterator(directory.path())) {
        std::error_code error;
        const auto size = file.file_size(error);
        if (!error) on_disk += size;
      }
      EXPECT_LE(on_disk, kLeastLimit) << "after " << i;
    }
  }
  EXPECT_EQ(Read(*store, "0"), std::nullopt);
  EXPECT_NE(Read(*store, fmt::format("{}", kLarge - 1)), std::nullopt);
  EXPECT_GT(store->stats().dropped_entries, 0u);
  EXPECT_LE(store->stats().segments, 4u);
}

TEST(SegmentStoreTest, EpochsAreKept) {
  const TemporaryDirectory directory;
  {
    const auto store = Open(directory.path());
    ASSERT_TRUE(store->SaveEpoch(0, 3).ok());
    ASSERT_TRUE(store->SaveEpoch(65'535, 8).ok());
    ASSERT_TRUE(store->SaveEpoch(0, 4).ok());
  }
  std::map<EpochSlot, uint64_t> kept;
  ASSERT_TRUE(Open(directory.path())
                  ->LoadEpochs([&](EpochSlot slot, uint64_t epoch) { kept[slot] = epoch; })
                  .ok());
  EXPECT_EQ(kept, (std::map<EpochSlot, uint64_t>{{0, 4}, {65'535, 8}}));
}

TEST(SegmentStoreTest, ASecondOneOnTheDirectoryIsTold) {
  const TemporaryDirectory directory;
  const auto store = Open(directory.path());
  const auto second =
      SegmentStore::Open({.directory = directory.path(), .limit_bytes = kLeastLimit});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(second.status().message().find("in use by another process"), std::string::npos)
      << second.status();
}

TEST(SegmentStoreTest, ADirectoryThatCannotBeMadeIsNamed) {
  const TemporaryDirectory directory;
  std::ofstream(directory.path() + "/file") << "not a directory";
  const auto store = SegmentStore::Open(
      {.directory = directory.path() + "/file/below", .limit_bytes = kLeastLimit});
  ASSERT_FALSE(store.ok());
  EXPECT_NE(store.status().message().find(directory.path() + "/file/below"), std::string::npos)
      << store.status();
}

TEST(SegmentStoreTest, OptionsThatMakeNoSenseAreRefused) {
  const TemporaryDirectory directory;
  EXPECT_EQ(SegmentStore::Open({.directory = directory.path(), .limit_bytes = 1}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(SegmentStore::Open({.directory = directory.path(), .segments = 1}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace souvenir::cache
