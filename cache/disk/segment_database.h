#pragma once

#include <rocksdb/db.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cache/disk/segment_store.h"
#include "common/mutex.h"

namespace souvenir::cache {

// A segment store's RocksDB while it is open, and its layout: a column family for each segment, and
// the default one for what is kept beside the records. What the functions promise, SegmentStore
// says.
//
// All that reads is thread-safe, beside one writer at a time.
class SegmentDatabase {
 public:
  using Options = SegmentStore::Options;

  // The most that the log takes of the directory.
  static uint64_t LogBytes(const Options& options);

  static absl::StatusOr<std::unique_ptr<SegmentDatabase>> Open(const Options& options);
  // Nobody may be reading any more.
  ~SegmentDatabase();

  SegmentStore::Presence Probe(const Fingerprint& key, std::string* record) const;
  absl::StatusOr<std::optional<std::string>> Read(const Fingerprint& key) const;
  absl::Status ForEach(
      const std::function<bool(const Fingerprint& key, std::string_view record)>& visit) const;
  absl::Status LoadOrigins(
      const std::function<absl::Status(uint32_t number, std::string_view bytes)>& restore) const;
  absl::Status LoadEpochs(const std::function<void(EpochSlot, uint64_t)>& restore) const;
  SegmentStore::Stats stats() const;

  absl::Status Write(SegmentStore::Records records, SegmentStore::Origins origins);
  absl::Status SaveEpoch(EpochSlot slot, uint64_t epoch);
  // Writes all to tables, so that the next one who opens it has no log to read. Where that fails,
  // he has.
  void Flush();

 private:
  // A column family; its files go when the last one who reads it lets go after it was dropped.
  struct Segment {
    Segment(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* handle, uint64_t number)
        : db(db), handle(handle), number(number) {}
    ~Segment() { db->DestroyColumnFamilyHandle(handle); }
    rocksdb::DB* const db;
    rocksdb::ColumnFamilyHandle* const handle;
    const uint64_t number;  // counts up through the life of the store
    std::atomic<uint64_t> bytes{0};
    std::atomic<uint64_t> entries{0};
  };
  using Segments = std::vector<std::shared_ptr<Segment>>;

  explicit SegmentDatabase(const Options& options);

  absl::Status OpenFamilies();
  void AddSegment(const std::string& name, rocksdb::ColumnFamilyHandle* handle);
  // Empties a store of another schema, and leaves ours in it.
  absl::Status AdoptSchema();
  absl::Status Begin(uint64_t number);
  absl::Status DropOldest();
  // Begins a segment where the newest is full, and drops what is too much.
  absl::Status Rotate();
  // Of what is kept beside the records, under names that end in a number.
  absl::Status ForEachNumbered(
      std::string_view prefix,
      const std::function<absl::Status(uint32_t number, std::string_view value)>& visit) const;
  rocksdb::ColumnFamilyOptions FamilyOptions() const;

  // Newest last.
  Segments segments() const {
    MutexLock lock(&mutex_);
    return segments_;
  }

  const Options options_;
  const uint64_t segment_bytes_;  // when a segment is full
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;  // schema, origins and epochs
  mutable Mutex mutex_;
  Segments segments_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> dropped_entries_{0};
};

}  // namespace souvenir::cache
