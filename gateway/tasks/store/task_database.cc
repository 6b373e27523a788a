#include "gateway/tasks/store/task_database.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <filesystem>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include "common/status_macros.h"
#include "common/thread.h"
#include "gateway/tasks/store/task_keys.h"
#include "storage/rocksdb_base.h"

namespace souvenir::gateway {
namespace {

using storage::FromRocks;
using storage::ToSlice;
using storage::ToView;

constexpr storage::StoreName kStoreName = {.what = "the task store", .setting = "tasks.directory"};
constexpr uint32_t kSchema = 1;
constexpr char kBlobs[] = "blobs";

constexpr size_t kWriteBufferBytes = 16u << 20;
constexpr size_t kBlockCacheBytes = 32u << 20;
// Larger values are kept in files of their own, which compactions do not rewrite.
constexpr uint64_t kLeastBlobBytes = 4096;

rocksdb::ColumnFamilyOptions RecordOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = kWriteBufferBytes;
  options.max_write_buffer_number = 3;
  options.compression = rocksdb::kLZ4Compression;
  options.level_compaction_dynamic_level_bytes = true;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_cache = cache;
  // Filters and indexes of a million steps must not add to the memory limit.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::ColumnFamilyOptions BlobOptions(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions options = RecordOptions(cache);
  options.enable_blob_files = true;
  options.min_blob_size = kLeastBlobBytes;
  options.blob_compression_type = rocksdb::kLZ4Compression;
  options.enable_blob_garbage_collection = true;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<TaskDatabase>> TaskDatabase::Open(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    return absl::ErrnoToStatus(error.value(),
                               fmt::format("cannot create the directory {}", directory));
  }
  rocksdb::DBOptions options = storage::BaseOptions();
  options.create_missing_column_families = true;
  options.max_total_wal_size = TaskDatabase::kLogBytes;
  options.max_background_jobs = 2;
  const std::shared_ptr<rocksdb::Cache> cache = rocksdb::NewLRUCache(kBlockCacheBytes);
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, RecordOptions(cache)}, {kBlobs, BlobOptions(cache)}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened = rocksdb::DB::Open(options, directory, families, &handles, &db);
  if (!opened.ok()) return storage::OpenError(opened, kStoreName, directory);
  std::unique_ptr<TaskDatabase> database(new TaskDatabase);
  database->db_.reset(db);
  database->records_ = handles[0];
  database->blobs_ = handles[1];
  SOUVENIR_RETURN_IF_ERROR(database->AdoptMeta());
  return database;
}

TaskDatabase::~TaskDatabase() {
  if (db_ == nullptr) return;
  if (shrinker_.joinable()) {
    db_->DisableManualCompaction();  // ends the one that is under way
    shrinker_.join();
  }
  db_->DestroyColumnFamilyHandle(records_);
  db_->DestroyColumnFamilyHandle(blobs_);
  db_->Close();
}

absl::Status TaskDatabase::AdoptMeta() {
  SOUVENIR_ASSIGN_OR_RETURN(const std::optional<state::v1::TaskMeta> found,
                            Read<state::v1::TaskMeta>(TaskKey::Meta()));
  if (found) {
    meta_ = *found;
    if (meta_.schema() == kSchema) return absl::OkStatus();
    return absl::FailedPreconditionError(fmt::format(
        "the task store has schema {}, and this gateway knows schema {}; start the version that "
        "wrote it, or give tasks.directory another value",
        meta_.schema(), kSchema));
  }
  meta_.set_schema(kSchema);
  meta_.set_store_id(std::random_device()());
  meta_.set_next_job(1);
  rocksdb::WriteBatch batch;
  batch.Put(records_, ToSlice(TaskKey::Meta()), meta_.SerializeAsString());
  return Write(&batch, /*sync=*/true);
}

absl::StatusOr<std::optional<std::string>> TaskDatabase::GetFrom(
    rocksdb::ColumnFamilyHandle* family, const std::string& key) const {
  std::optional<std::string> value(std::in_place);
  const rocksdb::Status read = db_->Get(rocksdb::ReadOptions(), family, ToSlice(key), &*value);
  if (read.ok()) return value;
  if (read.IsNotFound()) return std::optional<std::string>();
  return FromRocks(read, "cannot read the task store");
}

absl::StatusOr<std::optional<std::string>> TaskDatabase::Get(const std::string& key) const {
  return GetFrom(records_, key);
}

absl::StatusOr<std::optional<std::string>> TaskDatabase::GetBlob(const std::string& key) const {
  return GetFrom(blobs_, key);
}

absl::Status TaskDatabase::Unreadable(const std::string& key) {
  return absl::DataLossError(
      fmt::format("a record of kind '{}' in the task store cannot be read", key.front()));
}

TaskDatabase::Scan::Scan(const TaskDatabase& database, std::string_view from,
                         const std::string& until, Order order)
    : from_(from), order_(order), lower_(ToSlice(from_)), upper_(ToSlice(until)) {
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower_;
  options.iterate_upper_bound = &upper_;
  iterator_.reset(database.db_->NewIterator(options, database.records_));
}

bool TaskDatabase::Scan::Next() {
  const bool begins = !std::exchange(begun_, true);
  if (order_ == Order::kForward) {
    begins ? iterator_->SeekToFirst() : iterator_->Next();
  } else {
    begins ? iterator_->SeekToLast() : iterator_->Prev();
  }
  return iterator_->Valid();
}

std::string_view TaskDatabase::Scan::key() const { return ToView(iterator_->key()); }
std::string_view TaskDatabase::Scan::value() const { return ToView(iterator_->value()); }
absl::Status TaskDatabase::Scan::status() const {
  return FromRocks(iterator_->status(), "cannot read the task store");
}

absl::Status TaskDatabase::Write(rocksdb::WriteBatch* batch, bool sync) {
  rocksdb::WriteOptions options;
  options.sync = sync;
  return FromRocks(db_->Write(options, batch), "cannot write to the task store");
}

absl::Status TaskDatabase::Sync() {
  return FromRocks(db_->SyncWAL(), "cannot write to the task store");
}

void TaskDatabase::Shrink() {
  if (shrinking_.exchange(true)) return;
  if (shrinker_.joinable()) shrinker_.join();  // it has ended
  shrinker_ = StartThread("task-shrink", [this] {
    rocksdb::CompactRangeOptions options;
    options.exclusive_manual_compaction = false;
    options.allow_write_stall = true;
    for (rocksdb::ColumnFamilyHandle* const family : {records_, blobs_}) {
      // After an error the next write has it, too.
      (void)db_->CompactRange(options, family, nullptr, nullptr);
    }
    shrinking_ = false;
  });
}

uint64_t TaskDatabase::bytes() const {
  uint64_t sum = 0;
  for (rocksdb::ColumnFamilyHandle* const family : {records_, blobs_}) {
    for (const std::string& property :
         {rocksdb::DB::Properties::kTotalSstFilesSize, rocksdb::DB::Properties::kTotalBlobFileSize,
          rocksdb::DB::Properties::kCurSizeAllMemTables}) {
      uint64_t bytes = 0;
      if (db_->GetIntProperty(family, property, &bytes)) sum += bytes;
    }
  }
  return sum;
}

}  // namespace souvenir::gateway
