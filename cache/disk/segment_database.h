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
#include "cache/disk/key_filter.h"
#include "cache/disk/segment_store.h"
#include "common/published.h"

namespace souvenir::cache {

// The open RocksDB of a segment store, and its layout: one column family per segment, and the
// default one for the schema, origins, epochs and filters. See SegmentStore for the contracts of
// methods that have the same name there.
//
// Readers are thread-safe, also beside one writer at a time.
class SegmentDatabase {
 public:
  using Options = SegmentStore::Options;

  static absl::StatusOr<std::unique_ptr<SegmentDatabase>> Open(const Options& options);
  // REQUIRES: there are no readers any more.
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
  absl::Status DropOrigins(absl::Span<const uint32_t> numbers);
  void BuildFilters(const std::function<bool()>& go_on);
  absl::Status SaveEpoch(EpochSlot slot, uint64_t epoch);
  // Writes all records to tables, so that the next open need not replay the log. On failure the
  // next open replays it.
  void Flush();

 private:
  // A column family. After it is dropped, its files are deleted when the last reader releases it.
  struct Segment {
    Segment(rocksdb::DB* db, rocksdb::ColumnFamilyHandle* handle, uint64_t number)
        : db(db), handle(handle), number(number) {}
    ~Segment() { db->DestroyColumnFamilyHandle(handle); }

    // Returns true for every key while there is no filter.
    bool MayHold(const Fingerprint& key) const {
      return !has_filter.load(std::memory_order_acquire) || filter->MayHold(key);
    }
    void Prefetch(const Fingerprint& key) const {
      if (has_filter.load(std::memory_order_acquire)) filter->Prefetch(key);
    }
    void SetFilter(std::unique_ptr<KeyFilter> built) {
      filter = std::move(built);
      has_filter.store(true, std::memory_order_release);
    }

    rocksdb::DB* const db;
    rocksdb::ColumnFamilyHandle* const handle;
    const uint64_t number;  // counts up for the life of the store
    std::atomic<uint64_t> bytes{0};
    std::atomic<uint64_t> entries{0};
    // The filter of all files of the segment. Each file has a filter of its own, too. Without this
    // one, a lookup would ask the filter of every file in the store, and search some files in vain.
    std::unique_ptr<KeyFilter> filter;  // set once
    std::atomic<bool> has_filter{false};
    bool filter_is_kept = false;  // true if saved on disk; for the writer
  };
  using Segments = std::vector<std::shared_ptr<Segment>>;

  explicit SegmentDatabase(const Options& options);

  absl::Status OpenFamilies();
  std::shared_ptr<Segment> FoundSegment(const std::string& name,
                                        rocksdb::ColumnFamilyHandle* handle) const;
  // Empties a store of another schema, and writes ours.
  absl::Status AdoptSchema();
  // Loads the saved filters.
  absl::Status LoadFilters();
  absl::Status SaveFilter(Segment* segment);
  // Finds the newest record of `key`. Does not wait if the thread has a NoWaitingForDisk.
  rocksdb::Status Find(const Fingerprint& key, std::string* record) const;
  // Calls `visit` for each record of the segment. Returns false if `visit` did.
  absl::StatusOr<bool> ForEachIn(
      const Segment& segment,
      const std::function<bool(const Fingerprint& key, std::string_view record)>& visit) const;
  absl::Status Begin(uint64_t number);
  // Returns the number of keys to make a segment's filter for, if a similar segment has `keys`
  // keys.
  uint64_t ExpectedKeys(uint64_t keys) const;
  absl::Status DropOldest();
  // Begins a segment if the newest is full, and drops the oldest ones beyond the limits.
  absl::Status Rotate();
  // Calls `visit` for each item of the default column family whose name is `prefix` and a number.
  absl::Status ForEachNumbered(
      std::string_view prefix,
      const std::function<absl::Status(uint32_t number, std::string_view value)>& visit) const;
  rocksdb::ColumnFamilyOptions FamilyOptions() const;

  // Returns the segments, oldest first. A dropped segment lives until its last reader releases it.
  std::shared_ptr<const Segments> segments() const { return segments_.Get(); }

  const Options options_;
  const uint64_t segment_bytes_;  // size of a full segment
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;  // schema, origins, epochs and filters
  Published<Segments> segments_;                 // set by the writer
  std::atomic<uint64_t> dropped_entries_{0};
};

}  // namespace souvenir::cache
