// Compares the cost of lookups in the disk tier's store, as it grows, with RocksDB in a usual
// configuration. Prints a JSON object per line for each size. Nothing is dropped, so that both have
// the same entries.

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "cache/disk/rocksdb_options.h"
#include "cache/disk/segment_store.h"
#include "common/machine.h"
#include "storage/rocksdb_base.h"
#include "tests/bench/command_line.h"
#include "tests/bench/model_value.h"
#include "tests/bench/numbered_key.h"

ABSL_FLAG(std::string, store, "souvenir", "souvenir or rocksdb");
ABSL_FLAG(std::string, directory, "", "where it is made; must be empty");
ABSL_FLAG(std::vector<std::string>, sizes_mb, std::vector<std::string>({"250", "1000", "4000"}),
          "of keys and values in the store when lookups are measured, growing");
ABSL_FLAG(int, value_bytes, 300, "of a value");
ABSL_FLAG(int, lookups, 20'000, "of each kind, at each size");

namespace souvenir::bench {
namespace {

using cache::Fingerprint;
using cache::SegmentStore;

using Records = std::vector<std::pair<Fingerprint, std::string>>;

[[noreturn]] void Fail(std::string_view why) {
  fmt::print(stderr, "bench-store-growth: {}\n", why);
  std::exit(1);
}

class Subject {
 public:
  virtual ~Subject() = default;
  virtual void Write(const Records& records) = 0;
  // Waits until there is no background work.
  virtual void Settle() = 0;
  virtual bool Has(const Fingerprint& key) = 0;
};

// Looks up as the gateway does: first in the data in memory and, if that does not decide, on disk.
class Souvenir final : public Subject {
 public:
  Souvenir(const std::string& directory, uint64_t limit_bytes) {
    auto store = SegmentStore::Open({.directory = directory, .limit_bytes = limit_bytes});
    if (!store.ok()) Fail(store.status().ToString());
    store_ = *std::move(store);
  }
  void Write(const Records& records) override {
    const absl::Status written = store_->Write(records);
    if (!written.ok()) Fail(written.ToString());
  }
  void Settle() override {}
  bool Has(const Fingerprint& key) override {
    std::string record;
    const SegmentStore::Presence presence = store_->Probe(key, &record);
    if (presence != SegmentStore::Presence::kUnknown) {
      return presence == SegmentStore::Presence::kFound;
    }
    const auto read = store_->Read(key);
    if (!read.ok()) Fail(read.status().ToString());
    return read->has_value();
  }

 private:
  std::unique_ptr<SegmentStore> store_;
};

// One column family, leveled compaction, Bloom filters of ten bits, LZ4, a block cache of 64 MiB.
class Rocks final : public Subject {
 public:
  explicit Rocks(const std::string& directory) {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.compression = rocksdb::kLZ4Compression;
    options.max_background_jobs = 2;
    options.max_open_files = -1;
    rocksdb::BlockBasedTableOptions table;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.block_cache = rocksdb::NewLRUCache(64u << 20);
    options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    rocksdb::DB* db = nullptr;
    Check(rocksdb::DB::Open(options, directory, &db));
    db_.reset(db);
  }
  void Write(const Records& records) override {
    rocksdb::WriteBatch batch;
    for (const auto& [key, value] : records) Check(batch.Put(storage::ToSlice(key.view()), value));
    Check(db_->Write(rocksdb::WriteOptions(), &batch));
  }
  void Settle() override {
    for (;;) {
      uint64_t busy = 0;
      for (const std::string& what : {rocksdb::DB::Properties::kCompactionPending,
                                      rocksdb::DB::Properties::kNumRunningCompactions,
                                      rocksdb::DB::Properties::kNumRunningFlushes}) {
        uint64_t count = 0;
        db_->GetIntProperty(what, &count);
        busy += count;
      }
      if (busy == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  bool Has(const Fingerprint& key) override {
    const rocksdb::Status read =
        db_->Get(rocksdb::ReadOptions(), storage::ToSlice(key.view()), &record_);
    if (!read.IsNotFound()) Check(read);
    return read.ok();
  }

 private:
  static void Check(const rocksdb::Status& status) {
    if (!status.ok()) Fail(status.ToString());
  }
  std::unique_ptr<rocksdb::DB> db_;
  std::string record_;
};

// Returns the bytes that this process has caused to be written to disks.
uint64_t WrittenBytes() {
  std::ifstream io("/proc/self/io");
  for (std::string word; io >> word;) {
    uint64_t bytes = 0;
    if (word == "write_bytes:" && io >> bytes) return bytes;
  }
  return 0;
}

// Returns the microseconds per lookup. Each lookup must have the outcome `there`.
double Look(Subject* subject, const std::vector<Fingerprint>& keys, bool there) {
  const auto began = std::chrono::steady_clock::now();
  for (const Fingerprint& key : keys) {
    if (subject->Has(key) != there) Fail(there ? "a record is lost" : "a record that was not made");
  }
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
  return took.count() / static_cast<double>(keys.size());
}

int Run() {
  std::vector<uint64_t> sizes;
  for (const std::string& size : absl::GetFlag(FLAGS_sizes_mb)) {
    sizes.push_back(std::strtoull(size.c_str(), nullptr, 10) * 1'000'000);
    if (sizes.back() == 0) Fail("--sizes_mb are numbers above 0");
  }
  const auto value_bytes = static_cast<uint64_t>(absl::GetFlag(FLAGS_value_bytes));
  if (value_bytes < kLeastValueBytes) Fail("--value_bytes is at least 8");
  const std::string directory = absl::GetFlag(FLAGS_directory);
  if (directory.empty()) Fail("--directory is where the store is made");
  RaiseOpenFileLimit();

  const std::string name = absl::GetFlag(FLAGS_store);
  std::unique_ptr<Subject> subject;
  if (name == "souvenir") {
    subject = std::make_unique<Souvenir>(directory, sizes.back() / 2 * 3 + (64u << 20));
  } else if (name == "rocksdb") {
    subject = std::make_unique<Rocks>(directory);
  } else {
    Fail(fmt::format("no store '{}'; see --help", name));
  }

  constexpr size_t kBatch = 128;  // batch size of the disk tier's writer
  std::mt19937_64 random(1);
  uint64_t count = 0;
  uint64_t accepted = 0;
  for (const uint64_t size : sizes) {
    while (accepted < size) {
      Records records;
      for (size_t i = 0; i < kBatch; ++i) {
        const Fingerprint key = KeyOf(count++);
        records.emplace_back(key, MakeValue(key.view(), {value_bytes, value_bytes}));
        accepted += key.bytes.size() + value_bytes;
      }
      subject->Write(records);
    }
    subject->Settle();
    std::vector<Fingerprint> there;
    std::vector<Fingerprint> absent;
    for (int i = 0; i < absl::GetFlag(FLAGS_lookups); ++i) {
      there.push_back(KeyOf(random() % count));
      absent.push_back(KeyOf((uint64_t{1} << 60) + random() % (uint64_t{1} << 60)));
    }
    // A first pass brings the indexes of both into the processor's caches.
    Look(subject.get(), absent, false);
    const double absent_us = Look(subject.get(), absent, false);
    Look(subject.get(), there, true);
    fmt::print(R"({{"store": "{}", "mb": {}, "records": {}, "absent_us": {:.3f}, "there_us": )"
               R"({:.3f}, "written": {:.3f}}})"
               "\n",
               name, accepted / 1'000'000, count, absent_us, Look(subject.get(), there, true),
               static_cast<double>(WrittenBytes()) / static_cast<double>(accepted));
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace souvenir::bench

int main(int argc, char** argv) {
  souvenir::bench::ParseCommandLine(argc, argv, "measures lookups in a store on disk as it grows");
  return souvenir::bench::Run();
}
