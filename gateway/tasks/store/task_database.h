#pragma once

#include <rocksdb/db.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/tasks/task_types.h"
#include "souvenir/state/v1/tasks.pb.h"

namespace souvenir::gateway {

// The open RocksDB of the task store: one column family for records, and one for blobs and results,
// where large values stay out of compactions.
//
// Readers are thread-safe, also beside one writer at a time.
class TaskDatabase {
 public:
  // Most bytes of the log. Opening a store writes it to tables.
  static constexpr uint64_t kLogBytes = 128u << 20;

  // Opens or creates the store. FAILED_PRECONDITION if another process has it open, or its schema
  // is unknown; DATA_LOSS if it is damaged.
  static absl::StatusOr<std::unique_ptr<TaskDatabase>> Open(const std::string& directory);
  // REQUIRES: there are no readers any more.
  ~TaskDatabase();

  // Read a record. Return nullopt if there is none.
  absl::StatusOr<std::optional<std::string>> Get(const std::string& key) const;
  absl::StatusOr<std::optional<std::string>> GetBlob(const std::string& key) const;
  template <typename Record>
  absl::StatusOr<std::optional<Record>> Read(const std::string& key) const {
    absl::StatusOr<std::optional<std::string>> bytes = Get(key);
    if (!bytes.ok()) return bytes.status();
    if (!*bytes) return std::optional<Record>();
    std::optional<Record> record(std::in_place);
    if (!record->ParseFromString(**bytes)) return Unreadable(key);
    return record;
  }

  // Iterates over the records from `from` to before `until`, in the order of their keys or
  // backward.
  class Scan {
   public:
    enum class Order { kForward, kBackward };
    // `until` must outlive the scan.
    Scan(const TaskDatabase& database, std::string_view from, const std::string& until,
         Order order = Order::kForward);
    Scan(const Scan&) = delete;
    // Goes to the first, then to the next record. Returns false after the last one, and if the disk
    // fails; see status().
    bool Next();
    // Of the present record. REQUIRES: Next() has returned true.
    std::string_view key() const;
    std::string_view value() const;
    absl::Status status() const;

   private:
    const std::string from_;
    const Order order_;
    // RocksDB refers to the bounds.
    rocksdb::Slice lower_;
    rocksdb::Slice upper_;
    std::unique_ptr<rocksdb::Iterator> iterator_;
    bool begun_ = false;
  };

  // Writes a batch. After an error the database must be closed and opened again.
  absl::Status Write(rocksdb::WriteBatch* batch, bool sync);

  // Syncs what was written.
  absl::Status Sync();

  // Has a compaction drop what was deleted, if none is under way. Else a small deletion of much
  // would wait in memory until enough is written after it. Does not wait. Called by the writer
  // alone.
  void Shrink();

  bool is_shrinking() const { return shrinking_; }

  rocksdb::ColumnFamilyHandle* records() const { return records_; }
  rocksdb::ColumnFamilyHandle* blobs() const { return blobs_; }

  const state::v1::TaskMeta& meta() const { return meta_; }

  uint64_t bytes() const;  // of all files and buffers

 private:
  TaskDatabase() = default;
  absl::Status AdoptMeta();
  absl::StatusOr<std::optional<std::string>> GetFrom(rocksdb::ColumnFamilyHandle* family,
                                                     const std::string& key) const;
  static absl::Status Unreadable(const std::string& key);

  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* records_ = nullptr;
  rocksdb::ColumnFamilyHandle* blobs_ = nullptr;
  std::atomic<bool> shrinking_{false};
  std::thread shrinker_;
  state::v1::TaskMeta meta_;  // as it was when the store was opened
};

}  // namespace souvenir::gateway
