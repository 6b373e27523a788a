#include "cache/disk/segment_store.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "cache/disk/rocksdb_options.h"
#include "common/gate.h"
#include "common/logging/logging.h"
#include "common/mutex.h"
#include "common/status_macros.h"

namespace souvenir::cache {
namespace {

constinit Logger log{"disk"};

// Of the records, see entry_codec.h. A store of another version is emptied: it is only a cache.
constexpr std::string_view kSchemaVersion = "3";
constexpr std::string_view kSchemaKey = "schema";
constexpr std::string_view kEpochPrefix = "epoch:";
constexpr std::string_view kOriginPrefix = "origin:";
constexpr std::string_view kSegmentPrefix = "segment-";

// What RocksDB keeps of a record beside key and value: sequence number, lengths, its part of the
// filter and the index.
constexpr uint64_t kRecordOverhead = 24;

}  // namespace

class SegmentStore::Impl {
 public:
  explicit Impl(const Options& options)
      : options_(options),
        log_bytes_(std::clamp<uint64_t>(options.limit_bytes / 16, 1u << 20, 128u << 20)),
        // A tenth is left free: dropping comes well before the limit.
        segment_bytes_((options.limit_bytes / 10 * 9 - 2 * log_bytes_) / options.segments),
        blocks_(rocksdb::NewLRUCache(BlockCacheBytes(options.limit_bytes))) {}

  ~Impl() { Close(); }

  absl::Status Open();
  void Close();
  Presence Probe(const Fingerprint& key, std::string* record) const;
  absl::StatusOr<std::optional<std::string>> Read(const Fingerprint& key) const;
  absl::Status ForEach(
      const std::function<bool(const Fingerprint& key, std::string_view record)>& visit) const;
  absl::Status Write(Records records, Origins origins);
  absl::Status LoadOrigins(
      const std::function<absl::Status(uint32_t number, std::string_view bytes)>& restore) const;
  absl::Status SaveEpoch(EpochSlot slot, uint64_t epoch);
  absl::Status LoadEpochs(const std::function<void(EpochSlot, uint64_t)>& restore) const;
  absl::Status Resume();
  Stats stats() const;

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

  absl::Status PrepareDirectory() const;
  // Of what is kept beside the records, under names that end in a number.
  absl::Status ForEachNumbered(
      std::string_view prefix,
      const std::function<absl::Status(uint32_t number, std::string_view value)>& visit) const;
  absl::Status OpenDatabase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  absl::Status OpenSegments(bool* is_other_schema) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  void CloseDatabase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  absl::Status Begin(uint64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  absl::Status DropOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  // Begins a segment where the newest is full, and drops what is too much.
  absl::Status Rotate() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  // `status` of an attempt to write: what fails is the last one until Resume().
  absl::Status Written(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);

  // Newest last.
  Segments segments() const {
    MutexLock lock(&mutex_);
    return segments_;
  }

  const Options options_;
  const uint64_t log_bytes_;
  const uint64_t segment_bytes_;
  const std::shared_ptr<rocksdb::Cache> blocks_;

  Mutex write_mutex_;     // one who writes at a time; taken before mutex_
  mutable Gate readers_;  // closed while there is no database

  // Changed under write_mutex_ while the gate is closed; used under that, or inside the gate.
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;  // schema and epochs

  absl::Status failed_ ABSL_GUARDED_BY(write_mutex_);  // since when nothing is written
  mutable Mutex mutex_;
  Segments segments_ ABSL_GUARDED_BY(mutex_);
  std::atomic<uint64_t> dropped_entries_{0};
};

absl::Status SegmentStore::Impl::PrepareDirectory() const {
  std::error_code error;
  std::filesystem::create_directories(options_.directory, error);
  if (error) {
    return absl::ErrnoToStatus(
        error.value(), fmt::format("cannot make the directory {}; choose another with --data-dir",
                                   options_.directory));
  }
  return absl::OkStatus();
}

absl::Status SegmentStore::Impl::OpenSegments(bool* is_other_schema) {
  const rocksdb::DBOptions store_options = StoreOptions(log_bytes_);
  std::vector<std::string> names;
  const rocksdb::Status listed =
      rocksdb::DB::ListColumnFamilies(store_options, options_.directory, &names);
  if (!listed.ok()) names = {rocksdb::kDefaultColumnFamilyName};  // a new store

  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) {
    families.emplace_back(name,
                          name == rocksdb::kDefaultColumnFamilyName
                              ? rocksdb::ColumnFamilyOptions()
                              : SegmentOptions(WriteBufferBytes(options_.limit_bytes), blocks_));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      rocksdb::DB::Open(store_options, options_.directory, families, &handles, &db);
  if (!opened.ok()) return OpenError(opened, options_.directory);
  db_.reset(db);

  MutexLock lock(&mutex_);
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == rocksdb::kDefaultColumnFamilyName) {
      meta_ = handles[i];
      continue;
    }
    uint64_t number = 0;
    const char* const digits = names[i].c_str() + kSegmentPrefix.size();
    std::from_chars(digits, names[i].c_str() + names[i].size(), number);
    auto segment = std::make_shared<Segment>(db, handles[i], number);
    uint64_t files = 0;
    uint64_t tables = 0;
    uint64_t keys = 0;
    db->GetIntProperty(handles[i], rocksdb::DB::Properties::kTotalSstFilesSize, &files);
    db->GetIntProperty(handles[i], rocksdb::DB::Properties::kCurSizeAllMemTables, &tables);
    db->GetIntProperty(handles[i], rocksdb::DB::Properties::kEstimateNumKeys, &keys);
    segment->bytes = files + tables;
    segment->entries = keys;
    segments_.push_back(std::move(segment));
  }
  std::sort(segments_.begin(), segments_.end(),
            [](const auto& a, const auto& b) { return a->number < b->number; });

  std::string schema;
  const rocksdb::Status read = db->Get(rocksdb::ReadOptions(), meta_, ToSlice(kSchemaKey), &schema);
  if (!read.ok() && !read.IsNotFound()) return FromRocks(read, "cannot read the schema version");
  *is_other_schema = schema != kSchemaVersion && !segments_.empty();
  return absl::OkStatus();
}

absl::Status SegmentStore::Impl::OpenDatabase() {
  SOUVENIR_RETURN_IF_ERROR(PrepareDirectory());
  bool is_other_schema = false;
  SOUVENIR_RETURN_IF_ERROR(OpenSegments(&is_other_schema));
  if (is_other_schema) {
    log.Warning("the store has another schema and is emptied", {{"ours", kSchemaVersion}});
    while (!segments().empty()) SOUVENIR_RETURN_IF_ERROR(DropOldest());
  }
  rocksdb::WriteOptions synced;
  synced.sync = true;
  SOUVENIR_RETURN_IF_ERROR(
      FromRocks(db_->Put(synced, meta_, ToSlice(kSchemaKey), ToSlice(kSchemaVersion)),
                "cannot write the schema version"));
  if (segments().empty()) SOUVENIR_RETURN_IF_ERROR(Begin(1));
  return Rotate();
}

absl::Status SegmentStore::Impl::Open() {
  MutexLock lock(&write_mutex_);
  return OpenDatabase();
}

void SegmentStore::Impl::CloseDatabase() {
  readers_.Close();
  readers_.WaitUntilEmpty(absl::InfiniteDuration());
  Segments segments;
  {
    MutexLock lock(&mutex_);
    segments.swap(segments_);
  }
  if (db_ == nullptr) return;
  if (failed_.ok()) {
    // So that the next one who opens it has no log to read. Where it fails, he has.
    for (const std::shared_ptr<Segment>& segment : segments) {
      db_->Flush(rocksdb::FlushOptions(), segment->handle);
    }
  }
  segments.clear();
  if (meta_ != nullptr) db_->DestroyColumnFamilyHandle(std::exchange(meta_, nullptr));
  db_->Close();
  db_ = nullptr;
}

void SegmentStore::Impl::Close() {
  MutexLock lock(&write_mutex_);
  CloseDatabase();
}

absl::Status SegmentStore::Impl::Resume() {
  MutexLock lock(&write_mutex_);
  if (failed_.ok()) return absl::OkStatus();
  // Opening needs room too, for the tables of what the log holds; with less, what can still be read
  // is worth more than the attempt.
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(options_.directory, error);
  if (!error && space.available < log_bytes_) return failed_;
  CloseDatabase();
  const absl::Status opened = OpenDatabase();
  if (!opened.ok()) {
    CloseDatabase();
    return opened;
  }
  failed_ = absl::OkStatus();
  readers_.Open();
  return absl::OkStatus();
}

absl::Status SegmentStore::Impl::Written(absl::Status status) {
  if (!status.ok()) failed_ = status;
  return status;
}

absl::Status SegmentStore::Impl::Begin(uint64_t number) {
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  SOUVENIR_RETURN_IF_ERROR(FromRocks(
      db_->CreateColumnFamily(SegmentOptions(WriteBufferBytes(options_.limit_bytes), blocks_),
                              fmt::format("{}{:010}", kSegmentPrefix, number), &handle),
      "cannot begin a segment"));
  auto segment = std::make_shared<Segment>(db_.get(), handle, number);
  MutexLock lock(&mutex_);
  segments_.push_back(std::move(segment));
  return absl::OkStatus();
}

absl::Status SegmentStore::Impl::DropOldest() {
  const std::shared_ptr<Segment> oldest = segments().front();
  SOUVENIR_RETURN_IF_ERROR(
      FromRocks(db_->DropColumnFamily(oldest->handle), "cannot drop a segment"));
  dropped_entries_ += oldest->entries;
  MutexLock lock(&mutex_);
  segments_.erase(segments_.begin());
  return absl::OkStatus();
}

absl::Status SegmentStore::Impl::Rotate() {
  const std::shared_ptr<Segment> newest = segments().back();
  if (newest->bytes >= segment_bytes_) {
    SOUVENIR_RETURN_IF_ERROR(Begin(newest->number + 1));
    // Written out in the background, so that its part of the log can go.
    rocksdb::FlushOptions flush;
    flush.wait = false;
    flush.allow_write_stall = true;
    db_->Flush(flush, newest->handle);
  }
  for (;;) {
    const Segments now = segments();
    uint64_t bytes = 0;
    for (const auto& segment : now) bytes += segment->bytes;
    const bool too_much = bytes > segment_bytes_ * options_.segments;
    if (now.size() < 2 || (now.size() <= options_.segments && !too_much)) break;
    SOUVENIR_RETURN_IF_ERROR(DropOldest());
  }
  return absl::OkStatus();
}

SegmentStore::Presence SegmentStore::Impl::Probe(const Fingerprint& key,
                                                 std::string* record) const {
  const std::optional<Gate::Pass> pass = readers_.Enter();
  if (!pass) return Presence::kAbsent;
  rocksdb::ReadOptions in_memory;
  in_memory.read_tier = rocksdb::kBlockCacheTier;
  const Segments now = segments();
  for (auto segment = now.rbegin(); segment != now.rend(); ++segment) {
    const rocksdb::Status status =
        db_->Get(in_memory, (*segment)->handle, ToSlice(key.view()), record);
    if (status.ok()) return Presence::kFound;
    if (!status.IsNotFound()) return Presence::kUnknown;
  }
  return Presence::kAbsent;
}

absl::StatusOr<std::optional<std::string>> SegmentStore::Impl::Read(const Fingerprint& key) const {
  const std::optional<Gate::Pass> pass = readers_.Enter();
  if (!pass) return std::optional<std::string>();
  std::string record;
  const Segments now = segments();
  for (auto segment = now.rbegin(); segment != now.rend(); ++segment) {
    const rocksdb::Status status =
        db_->Get(rocksdb::ReadOptions(), (*segment)->handle, ToSlice(key.view()), &record);
    if (status.ok()) return std::optional<std::string>(std::move(record));
    if (!status.IsNotFound()) return FromRocks(status, "cannot read the disk tier");
  }
  return std::optional<std::string>();
}

absl::Status SegmentStore::Impl::ForEach(
    const std::function<bool(const Fingerprint& key, std::string_view record)>& visit) const {
  const std::optional<Gate::Pass> pass = readers_.Enter();
  if (!pass) return absl::UnavailableError("the disk tier is being opened anew");
  rocksdb::ReadOptions options;
  options.fill_cache = false;  // of use for nobody else
  for (const std::shared_ptr<Segment>& segment : segments()) {
    const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(options, segment->handle));
    for (it->SeekToFirst(); it->Valid(); it->Next()) {
      Fingerprint key;
      if (it->key().size() != key.bytes.size()) continue;
      std::memcpy(key.bytes.data(), it->key().data(), key.bytes.size());
      if (!visit(key, {it->value().data(), it->value().size()})) return absl::OkStatus();
    }
    SOUVENIR_RETURN_IF_ERROR(FromRocks(it->status(), "cannot read the disk tier"));
  }
  return absl::OkStatus();
}

absl::Status SegmentStore::Impl::Write(Records records, Origins origins) {
  MutexLock lock(&write_mutex_);
  SOUVENIR_RETURN_IF_ERROR(failed_);
  const std::shared_ptr<Segment> newest = segments().back();
  rocksdb::WriteBatch batch;
  for (const auto& [number, origin] : origins) {
    batch.Put(meta_, ToSlice(fmt::format("{}{}", kOriginPrefix, number)), origin);
  }
  uint64_t bytes = 0;
  for (const auto& [key, record] : records) {
    batch.Put(newest->handle, ToSlice(key.view()), record);
    bytes += key.bytes.size() + record.size() + kRecordOverhead;
  }
  SOUVENIR_RETURN_IF_ERROR(Written(
      FromRocks(db_->Write(rocksdb::WriteOptions(), &batch), "cannot write to the disk tier")));
  newest->bytes += bytes;
  newest->entries += records.size();
  return Written(Rotate());
}

absl::Status SegmentStore::Impl::SaveEpoch(EpochSlot slot, uint64_t epoch) {
  MutexLock lock(&write_mutex_);
  SOUVENIR_RETURN_IF_ERROR(failed_);
  rocksdb::WriteOptions synced;
  synced.sync = true;
  return Written(FromRocks(db_->Put(synced, meta_, ToSlice(fmt::format("{}{}", kEpochPrefix, slot)),
                                    ToSlice(std::to_string(epoch))),
                           "cannot keep an invalidation on disk"));
}

absl::Status SegmentStore::Impl::ForEachNumbered(
    std::string_view prefix,
    const std::function<absl::Status(uint32_t number, std::string_view value)>& visit) const {
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions(), meta_));
  for (it->Seek(ToSlice(prefix)); it->Valid() && it->key().starts_with(ToSlice(prefix));
       it->Next()) {
    const rocksdb::Slice key = it->key();
    uint32_t number = 0;
    std::from_chars(key.data() + prefix.size(), key.data() + key.size(), number);
    SOUVENIR_RETURN_IF_ERROR(visit(number, {it->value().data(), it->value().size()}));
  }
  return FromRocks(it->status(), "cannot read what the disk tier keeps beside its records");
}

absl::Status SegmentStore::Impl::LoadEpochs(
    const std::function<void(EpochSlot, uint64_t)>& restore) const {
  return ForEachNumbered(kEpochPrefix, [&](EpochSlot slot, std::string_view value) -> absl::Status {
    uint64_t epoch = 0;
    std::from_chars(value.data(), value.data() + value.size(), epoch);
    if (slot >= EpochTable::kSlots) return absl::DataLossError("an epoch that nobody kept");
    restore(slot, epoch);
    return absl::OkStatus();
  });
}

absl::Status SegmentStore::Impl::LoadOrigins(
    const std::function<absl::Status(uint32_t number, std::string_view bytes)>& restore) const {
  return ForEachNumbered(kOriginPrefix, restore);
}

SegmentStore::Stats SegmentStore::Impl::stats() const {
  Stats stats;
  for (const auto& segment : segments()) {
    stats.bytes += segment->bytes;
    stats.entries += segment->entries;
    ++stats.segments;
  }
  stats.limit_bytes = options_.limit_bytes;
  stats.dropped_entries = dropped_entries_;
  return stats;
}

uint64_t SegmentStore::MemoryBytes(const Options& options) {
  // The buffer that is written to, and one that is on its way to a file.
  return 2 * WriteBufferBytes(options.limit_bytes) + BlockCacheBytes(options.limit_bytes);
}

absl::Status SegmentStore::Check(const Options& options) {
  constexpr uint64_t kLeastBytes = 16u << 20;
  if (options.limit_bytes < kLeastBytes) {
    return absl::InvalidArgumentError(fmt::format("disk.limit_bytes is {}; it must be at least {}",
                                                  options.limit_bytes, kLeastBytes));
  }
  if (options.segments < 2 || options.segments > 64) {
    return absl::InvalidArgumentError(
        fmt::format("disk.segments is {}; it must be 2 to 64", options.segments));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<SegmentStore>> SegmentStore::Open(const Options& options) {
  SOUVENIR_RETURN_IF_ERROR(Check(options));
  auto impl = std::make_unique<Impl>(options);
  SOUVENIR_RETURN_IF_ERROR(impl->Open());
  return std::unique_ptr<SegmentStore>(new SegmentStore(std::move(impl)));
}

SegmentStore::SegmentStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SegmentStore::~SegmentStore() = default;

SegmentStore::Presence SegmentStore::Probe(const Fingerprint& key, std::string* record) const {
  return impl_->Probe(key, record);
}
absl::StatusOr<std::optional<std::string>> SegmentStore::Read(const Fingerprint& key) const {
  return impl_->Read(key);
}
absl::Status SegmentStore::ForEach(
    const std::function<bool(const Fingerprint& key, std::string_view record)>& visit) const {
  return impl_->ForEach(visit);
}
absl::Status SegmentStore::Write(Records records, Origins origins) {
  return impl_->Write(records, origins);
}
absl::Status SegmentStore::LoadOrigins(
    const std::function<absl::Status(uint32_t number, std::string_view bytes)>& restore) const {
  return impl_->LoadOrigins(restore);
}
absl::Status SegmentStore::SaveEpoch(EpochSlot slot, uint64_t epoch) {
  return impl_->SaveEpoch(slot, epoch);
}
absl::Status SegmentStore::LoadEpochs(
    const std::function<void(EpochSlot, uint64_t)>& restore) const {
  return impl_->LoadEpochs(restore);
}
absl::Status SegmentStore::Resume() { return impl_->Resume(); }
SegmentStore::Stats SegmentStore::stats() const { return impl_->stats(); }

}  // namespace souvenir::cache
