#include "cache/disk/segment_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "cache/disk/page_cache_files.h"
#include "cache/disk/rocksdb_options.h"
#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "storage/rocksdb_base.h"

namespace souvenir::cache {

using storage::FromRocks;
using storage::ToSlice;

namespace {

constinit Logger log{"disk"};

constexpr storage::StoreName kStoreName = {.what = "the disk tier", .setting = "--data-dir"};

// Version of the record format, see entry_codec.h. A store of another version is emptied, since it
// is only a cache.
constexpr std::string_view kSchemaVersion = "4";
constexpr std::string_view kSchemaKey = "schema";
constexpr std::string_view kEpochPrefix = "epoch:";
constexpr std::string_view kOriginPrefix = "origin:";
constexpr std::string_view kFilterPrefix = "filter:";
constexpr std::string_view kSegmentPrefix = "segment-";

// RocksDB's overhead per record: sequence number, lengths, and its part of the filter and the
// index.
constexpr uint64_t kRecordOverhead = 24;

// A lower bound of a record's size. It bounds the number of records in a segment.
constexpr uint64_t kLeastRecordBytes = 64;
// Keys that the first segment's filter has room for before it grows. A later filter is made for the
// number of keys in the segment before it.
constexpr uint64_t kFirstKeys = 64 << 10;

rocksdb::WriteOptions Synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

// Returns the options with a number of segments.
SegmentStore::Options Completed(SegmentStore::Options options) {
  if (options.segments != 0) return options;
  // A lookup asks one filter per segment and, in a segment that may have the key, one per file.
  // Some files per segment keep both numbers small.
  constexpr uint64_t kFiles = 8;
  const uint64_t files = options.limit_bytes / WriteBufferBytes(options.limit_bytes);
  options.segments = std::clamp<uint64_t>(files / kFiles, 8, SegmentStore::kMostSegments);
  return options;
}

std::string FilterKey(uint64_t number) { return fmt::format("{}{}", kFilterPrefix, number); }

}  // namespace

SegmentDatabase::SegmentDatabase(const Options& options)
    : options_(Completed(options)),
      // A tenth is left free, so that segments are dropped well before the limit is reached.
      segment_bytes_((options.limit_bytes / 10 * 9 - 2 * LogBytes(options.limit_bytes)) /
                     options_.segments) {}

absl::StatusOr<std::unique_ptr<SegmentDatabase>> SegmentDatabase::Open(const Options& options) {
  std::unique_ptr<SegmentDatabase> database(new SegmentDatabase(options));
  SOUVENIR_RETURN_IF_ERROR(database->OpenFamilies());
  SOUVENIR_RETURN_IF_ERROR(database->AdoptSchema());
  SOUVENIR_RETURN_IF_ERROR(database->LoadFilters());
  if (database->segments()->empty()) SOUVENIR_RETURN_IF_ERROR(database->Begin(1));
  SOUVENIR_RETURN_IF_ERROR(database->Rotate());
  return database;
}

SegmentDatabase::~SegmentDatabase() {
  if (db_ == nullptr) return;
  segments_.Set(nullptr);
  if (meta_ != nullptr) db_->DestroyColumnFamilyHandle(meta_);
  db_->Close();
}

absl::Status SegmentDatabase::OpenFamilies() {
  const rocksdb::DBOptions store_options = StoreOptions(options_.limit_bytes);
  std::vector<std::string> names;
  const rocksdb::Status listed =
      rocksdb::DB::ListColumnFamilies(store_options, options_.directory, &names);
  if (!listed.ok()) names = {rocksdb::kDefaultColumnFamilyName};  // a new store

  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const std::string& name : names) {
    const bool is_meta = name == rocksdb::kDefaultColumnFamilyName;
    families.emplace_back(name, is_meta ? rocksdb::ColumnFamilyOptions() : FamilyOptions());
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      rocksdb::DB::Open(store_options, options_.directory, families, &handles, &db);
  if (!opened.ok()) return storage::OpenError(opened, kStoreName, options_.directory);
  db_.reset(db);

  Segments found;
  for (size_t i = 0; i < names.size(); ++i) {
    if (names[i] == rocksdb::kDefaultColumnFamilyName) {
      meta_ = handles[i];
    } else {
      found.push_back(FoundSegment(names[i], handles[i]));
    }
  }
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return a->number < b->number; });
  segments_.Set(std::make_shared<const Segments>(std::move(found)));
  return absl::OkStatus();
}

std::shared_ptr<SegmentDatabase::Segment> SegmentDatabase::FoundSegment(
    const std::string& name, rocksdb::ColumnFamilyHandle* handle) const {
  uint64_t number = 0;
  const char* const digits = name.c_str() + kSegmentPrefix.size();
  std::from_chars(digits, name.c_str() + name.size(), number);
  auto segment = std::make_shared<Segment>(db_.get(), handle, number);
  uint64_t files = 0;
  uint64_t tables = 0;
  uint64_t keys = 0;
  db_->GetIntProperty(handle, rocksdb::DB::Properties::kTotalSstFilesSize, &files);
  db_->GetIntProperty(handle, rocksdb::DB::Properties::kCurSizeAllMemTables, &tables);
  db_->GetIntProperty(handle, rocksdb::DB::Properties::kEstimateNumKeys, &keys);
  segment->bytes = files + tables;
  segment->entries = keys;
  return segment;
}

absl::Status SegmentDatabase::AdoptSchema() {
  std::string schema;
  const rocksdb::Status read =
      db_->Get(rocksdb::ReadOptions(), meta_, ToSlice(kSchemaKey), &schema);
  if (!read.ok() && !read.IsNotFound()) return FromRocks(read, "cannot read the schema version");
  if (schema != kSchemaVersion && !segments()->empty()) {
    log.Warning("the store has another schema and is emptied", {{"ours", kSchemaVersion}});
    while (!segments()->empty()) SOUVENIR_RETURN_IF_ERROR(DropOldest());
  }
  return FromRocks(db_->Put(Synced(), meta_, ToSlice(kSchemaKey), ToSlice(kSchemaVersion)),
                   "cannot write the schema version");
}

absl::Status SegmentDatabase::LoadFilters() {
  const std::shared_ptr<const Segments> now = segments();
  rocksdb::WriteBatch useless;
  const auto take = [&](uint32_t number, std::string_view bytes) {
    const auto segment = std::find_if(now->begin(), now->end(),
                                      [&](const auto& known) { return known->number == number; });
    std::unique_ptr<KeyFilter> filter;
    if (segment != now->end()) filter = KeyFilter::Decode(bytes);
    if (filter != nullptr) {
      (*segment)->SetFilter(std::move(filter));
      (*segment)->filter_is_kept = true;
    } else {
      // The segment was dropped just before a crash, or the filter is damaged.
      useless.Delete(meta_, FilterKey(number));
    }
    return absl::OkStatus();
  };
  SOUVENIR_RETURN_IF_ERROR(ForEachNumbered(kFilterPrefix, take));
  // More records will be written to the newest segment. After a crash its saved filter would lack
  // them.
  if (!now->empty()) {
    now->back()->filter_is_kept = false;
    useless.Delete(meta_, FilterKey(now->back()->number));
  }
  return FromRocks(db_->Write(Synced(), &useless), "cannot write to the disk tier");
}

absl::Status SegmentDatabase::SaveFilter(Segment* segment) {
  if (!segment->has_filter || segment->filter_is_kept) return absl::OkStatus();
  SOUVENIR_RETURN_IF_ERROR(
      FromRocks(db_->Put(rocksdb::WriteOptions(), meta_, FilterKey(segment->number),
                         segment->filter->Encode()),
                "cannot keep a filter"));
  segment->filter_is_kept = true;
  return absl::OkStatus();
}

void SegmentDatabase::BuildFilters(const std::function<bool()>& go_on) {
  const std::shared_ptr<const Segments> now = segments();
  for (auto it = now->rbegin(); it != now->rend(); ++it) {
    Segment& segment = **it;
    if (segment.has_filter) continue;
    auto filter = std::make_unique<KeyFilter>(ExpectedKeys(segment.entries));
    const absl::StatusOr<bool> whole =
        ForEachIn(segment, [&](const Fingerprint& key, std::string_view) {
          filter->Add(key);
          return go_on();
        });
    // Lookups do not need the filter; they are only slower without it.
    if (!whole.ok() || !*whole) return;
    segment.SetFilter(std::move(filter));
  }
}

void SegmentDatabase::Flush() {
  const std::shared_ptr<const Segments> now = segments();
  for (const std::shared_ptr<Segment>& segment : *now) {
    if (!SaveFilter(segment.get()).ok()) return;
    db_->Flush(rocksdb::FlushOptions(), segment->handle);
  }
  db_->Flush(rocksdb::FlushOptions(), meta_);
}

rocksdb::ColumnFamilyOptions SegmentDatabase::FamilyOptions() const {
  return SegmentOptions(WriteBufferBytes(options_.limit_bytes));
}

rocksdb::Status SegmentDatabase::Find(const Fingerprint& key, std::string* record) const {
  const std::shared_ptr<const Segments> now = segments();
  for (const std::shared_ptr<Segment>& segment : *now) segment->Prefetch(key);
  for (auto segment = now->rbegin(); segment != now->rend(); ++segment) {
    if (!(*segment)->MayHold(key)) continue;
    rocksdb::Status status =
        db_->Get(rocksdb::ReadOptions(), (*segment)->handle, ToSlice(key.view()), record);
    if (!status.IsNotFound()) return status;
  }
  return rocksdb::Status::NotFound();
}

SegmentStore::Presence SegmentDatabase::Probe(const Fingerprint& key, std::string* record) const {
  const NoWaitingForDisk on_the_spot;
  const rocksdb::Status status = Find(key, record);
  if (status.ok()) return SegmentStore::Presence::kFound;
  return status.IsNotFound() ? SegmentStore::Presence::kAbsent : SegmentStore::Presence::kUnknown;
}

absl::StatusOr<std::optional<std::string>> SegmentDatabase::Read(const Fingerprint& key) const {
  std::string record;
  const rocksdb::Status status = Find(key, &record);
  if (status.ok()) return std::optional<std::string>(std::move(record));
  if (status.IsNotFound()) return std::optional<std::string>();
  return FromRocks(status, "cannot read the disk tier");
}

absl::Status SegmentDatabase::ForEach(
    const std::function<bool(const Fingerprint& key, std::string_view record)>& visit) const {
  const std::shared_ptr<const Segments> now = segments();
  for (const std::shared_ptr<Segment>& segment : *now) {
    SOUVENIR_ASSIGN_OR_RETURN(const bool go_on, ForEachIn(*segment, visit));
    if (!go_on) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> SegmentDatabase::ForEachIn(
    const Segment& segment,
    const std::function<bool(const Fingerprint& key, std::string_view record)>& visit) const {
  const std::unique_ptr<rocksdb::Iterator> it(
      db_->NewIterator(rocksdb::ReadOptions(), segment.handle));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    Fingerprint key;
    if (it->key().size() != key.bytes.size()) continue;
    std::memcpy(key.bytes.data(), it->key().data(), key.bytes.size());
    if (!visit(key, {it->value().data(), it->value().size()})) return false;
  }
  SOUVENIR_RETURN_IF_ERROR(FromRocks(it->status(), "cannot read the disk tier"));
  return true;
}

absl::Status SegmentDatabase::Write(SegmentStore::Records records, SegmentStore::Origins origins) {
  const std::shared_ptr<Segment> newest = segments()->back();
  rocksdb::WriteBatch batch;
  for (const auto& [number, origin] : origins) {
    batch.Put(meta_, ToSlice(fmt::format("{}{}", kOriginPrefix, number)), origin);
  }
  uint64_t bytes = 0;
  for (const auto& [key, record] : records) {
    // The key must be in the filter before a reader can find the record.
    if (newest->has_filter) newest->filter->Add(key);
    batch.Put(newest->handle, ToSlice(key.view()), record);
    bytes += key.bytes.size() + record.size() + kRecordOverhead;
  }
  SOUVENIR_RETURN_IF_ERROR(
      FromRocks(db_->Write(rocksdb::WriteOptions(), &batch), "cannot write to the disk tier"));
  newest->bytes += bytes;
  newest->entries += records.size();
  return Rotate();
}

absl::Status SegmentDatabase::DropOrigins(absl::Span<const uint32_t> numbers) {
  rocksdb::WriteBatch batch;
  for (const uint32_t number : numbers) {
    batch.Delete(meta_, ToSlice(fmt::format("{}{}", kOriginPrefix, number)));
  }
  return FromRocks(db_->Write(rocksdb::WriteOptions(), &batch), "cannot write to the disk tier");
}

absl::Status SegmentDatabase::SaveEpoch(EpochSlot slot, uint64_t epoch) {
  return FromRocks(db_->Put(Synced(), meta_, ToSlice(fmt::format("{}{}", kEpochPrefix, slot)),
                            ToSlice(std::to_string(epoch))),
                   "cannot keep an invalidation on disk");
}

absl::Status SegmentDatabase::Begin(uint64_t number) {
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  SOUVENIR_RETURN_IF_ERROR(
      FromRocks(db_->CreateColumnFamily(FamilyOptions(),
                                        fmt::format("{}{:010}", kSegmentPrefix, number), &handle),
                "cannot begin a segment"));
  auto segment = std::make_shared<Segment>(db_.get(), handle, number);
  auto more = std::make_shared<Segments>(*segments());
  const uint64_t like_the_last = more->empty() ? kFirstKeys : more->back()->entries.load();
  segment->SetFilter(std::make_unique<KeyFilter>(ExpectedKeys(like_the_last)));
  more->push_back(std::move(segment));
  segments_.Set(std::move(more));
  return absl::OkStatus();
}

uint64_t SegmentDatabase::ExpectedKeys(uint64_t keys) const {
  return std::min(keys + keys / 8, segment_bytes_ / kLeastRecordBytes);
}

absl::Status SegmentDatabase::DropOldest() {
  auto left = std::make_shared<Segments>(*segments());
  const std::shared_ptr<Segment> oldest = left->front();
  SOUVENIR_RETURN_IF_ERROR(
      FromRocks(db_->DropColumnFamily(oldest->handle), "cannot drop a segment"));
  left->erase(left->begin());
  segments_.Set(std::move(left));
  dropped_entries_ += oldest->entries;
  return FromRocks(db_->Delete(rocksdb::WriteOptions(), meta_, FilterKey(oldest->number)),
                   "cannot write to the disk tier");
}

absl::Status SegmentDatabase::Rotate() {
  const std::shared_ptr<Segment> newest = segments()->back();
  if (newest->bytes >= segment_bytes_) {
    SOUVENIR_RETURN_IF_ERROR(SaveFilter(newest.get()));
    SOUVENIR_RETURN_IF_ERROR(Begin(newest->number + 1));
    // The full segment is flushed in the background, so that its part of the log can be deleted.
    rocksdb::FlushOptions flush;
    flush.wait = false;
    flush.allow_write_stall = true;
    db_->Flush(flush, newest->handle);
  }
  for (;;) {
    const std::shared_ptr<const Segments> now = segments();
    uint64_t bytes = 0;
    for (const auto& segment : *now) bytes += segment->bytes;
    const bool too_much = bytes > segment_bytes_ * options_.segments;
    if (now->size() < 2 || (now->size() <= options_.segments && !too_much)) break;
    SOUVENIR_RETURN_IF_ERROR(DropOldest());
  }
  return absl::OkStatus();
}

absl::Status SegmentDatabase::ForEachNumbered(
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
  return FromRocks(it->status(), "cannot read the metadata of the disk tier");
}

absl::Status SegmentDatabase::LoadEpochs(
    const std::function<void(EpochSlot, uint64_t)>& restore) const {
  return ForEachNumbered(kEpochPrefix, [&](EpochSlot slot, std::string_view value) -> absl::Status {
    uint64_t epoch = 0;
    std::from_chars(value.data(), value.data() + value.size(), epoch);
    if (slot >= EpochTable::kSlots) return absl::DataLossError("an epoch of an unknown slot");
    restore(slot, epoch);
    return absl::OkStatus();
  });
}

absl::Status SegmentDatabase::LoadOrigins(
    const std::function<absl::Status(uint32_t number, std::string_view bytes)>& restore) const {
  return ForEachNumbered(kOriginPrefix, restore);
}

SegmentStore::Stats SegmentDatabase::stats() const {
  SegmentStore::Stats stats;
  const std::shared_ptr<const Segments> now = segments();
  for (const auto& segment : *now) {
    stats.bytes += segment->bytes;
    stats.entries += segment->entries;
    ++stats.segments;
    if (segment->has_filter) ++stats.filtered_segments;
  }
  if (!now->empty()) {
    stats.oldest_segment = now->front()->number;
    stats.newest_segment = now->back()->number;
  }
  stats.limit_bytes = options_.limit_bytes;
  stats.dropped_entries = dropped_entries_;
  return stats;
}

}  // namespace souvenir::cache
