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

// A segment store's RocksDB while it is open, and its layout: a column family for each segment, and
// the default one for what is kept beside the records. What the functions promise, SegmentStore
// says.
//
// All that reads is thread-safe, beside one writer at a time.
class SegmentDatabase {
 public:
  using Options = SegmentStore::Options;

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
  absl::Status DropOrigins(absl::Span<const uint32_t> numbers);
  void BuildFilters(const std::function<bool()>& go_on);
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

    // Where there is no filter yet, any key.
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
    const uint64_t number;  // counts up through the life of the store
    std::atomic<uint64_t> bytes{0};
    std::atomic<uint64_t> entries{0};
    // Over all its files, of which each has one of its own: without this one a key would be looked
    // for in every file of the store, and found in some by mistake.
    std::unique_ptr<KeyFilter> filter;  // set once
    std::atomic<bool> has_filter{false};
    bool filter_is_kept = false;  // on disk; known to the one who writes
  };
  using Segments = std::vector<std::shared_ptr<Segment>>;

  explicit SegmentDatabase(const Options& options);

  absl::Status OpenFamilies();
  std::shared_ptr<Segment> FoundSegment(const std::string& name,
                                        rocksdb::ColumnFamilyHandle* handle) const;
  // Empties a store of another schema, and leaves ours in it.
  absl::Status AdoptSchema();
  // Takes the filters that were kept.
  absl::Status LoadFilters();
  absl::Status SaveFilter(Segment* segment);
  // The newest record of the key; reads as the thread may, see NoWaitingForDisk.
  rocksdb::Status Find(const Fingerprint& key, std::string* record) const;
  // False when `visit` said so.
  absl::StatusOr<bool> ForEachIn(
      const Segment& segment,
      const std::function<bool(const Fingerprint& key, std::string_view record)>& visit) const;
  absl::Status Begin(uint64_t number);
  // That a segment's filter is made for, where one like it has so many.
  uint64_t ExpectedKeys(uint64_t keys) const;
  absl::Status DropOldest();
  // Begins a segment where the newest is full, and drops what is too much.
  absl::Status Rotate();
  // Of what is kept beside the records, under names that end in a number.
  absl::Status ForEachNumbered(
      std::string_view prefix,
      const std::function<absl::Status(uint32_t number, std::string_view value)>& visit) const;
  rocksdb::ColumnFamilyOptions FamilyOptions() const;

  // Newest last. What is dropped stays until the last one lets go of it.
  std::shared_ptr<const Segments> segments() const { return segments_.Get(); }

  const Options options_;
  const uint64_t segment_bytes_;  // when a segment is full
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;  // schema, origins and epochs
  Published<Segments> segments_;                 // set by the one who writes
  std::atomic<uint64_t> dropped_entries_{0};
};

}  // namespace souvenir::cache
