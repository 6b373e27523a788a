#include "cache/disk/segment_store.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "cache/disk/rocksdb_options.h"
#include "cache/disk/segment_database.h"
#include "common/status_macros.h"

namespace souvenir::cache {
namespace {

absl::Status PrepareDirectory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error) return absl::OkStatus();
  return absl::ErrnoToStatus(
      error.value(),
      fmt::format("cannot make the directory {}; choose another with --data-dir", directory));
}

absl::Status BeingOpened() { return absl::UnavailableError("the disk tier is being reopened"); }

}  // namespace

absl::Status SegmentStore::Check(const Options& options) {
  constexpr uint64_t kLeastBytes = 16u << 20;
  if (options.limit_bytes < kLeastBytes) {
    return absl::InvalidArgumentError(fmt::format("disk.limit_bytes is {}; it must be at least {}",
                                                  options.limit_bytes, kLeastBytes));
  }
  if (options.segments == 1 || options.segments > kMostSegments) {
    return absl::InvalidArgumentError(
        fmt::format("disk.segments is {}; it must be 2 to {}, or 0 for as many as suit the limit",
                    options.segments, kMostSegments));
  }
  return absl::OkStatus();
}

uint64_t SegmentStore::MemoryBytes(const Options& options) {
  // The buffer that is being filled and the one that is being written to a file.
  return 2 * WriteBufferBytes(options.limit_bytes);
}

absl::StatusOr<std::unique_ptr<SegmentStore>> SegmentStore::Open(const Options& options) {
  SOUVENIR_RETURN_IF_ERROR(Check(options));
  std::unique_ptr<SegmentStore> store(new SegmentStore(options));
  MutexLock lock(&store->write_mutex_);
  SOUVENIR_RETURN_IF_ERROR(store->OpenDatabase());
  return store;
}

SegmentStore::SegmentStore(Options options) : options_(std::move(options)) {}

SegmentStore::~SegmentStore() {
  MutexLock lock(&write_mutex_);
  CloseDatabase();
}

absl::Status SegmentStore::OpenDatabase() {
  SOUVENIR_RETURN_IF_ERROR(PrepareDirectory(options_.directory));
  SOUVENIR_ASSIGN_OR_RETURN(database_, SegmentDatabase::Open(options_));
  return absl::OkStatus();
}

void SegmentStore::CloseDatabase() {
  readers_.Close();
  readers_.WaitUntilEmpty();
  if (database_ == nullptr) return;
  if (failed_.ok()) database_->Flush();
  dropped_before_ += database_->stats().dropped_entries;
  database_ = nullptr;
}

absl::Status SegmentStore::Resume() {
  MutexLock lock(&write_mutex_);
  if (failed_.ok()) return absl::OkStatus();
  // Opening writes the log's records to tables. Without room for them the store stays open for
  // reads.
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(options_.directory, error);
  if (!error && space.available < LogBytes(options_.limit_bytes)) return failed_;
  CloseDatabase();
  SOUVENIR_RETURN_IF_ERROR(OpenDatabase());
  failed_ = absl::OkStatus();
  readers_.Open();
  return absl::OkStatus();
}

SegmentStore::Presence SegmentStore::Probe(const Fingerprint& key, std::string* record) const {
  const std::optional<Gate::Pass> pass = readers_.Enter();
  return pass ? database_->Probe(key, record) : Presence::kAbsent;
}

absl::StatusOr<std::optional<std::string>> SegmentStore::Read(const Fingerprint& key) const {
  const std::optional<Gate::Pass> pass = readers_.Enter();
  if (!pass) return std::optional<std::string>();
  return database_->Read(key);
}

absl::Status SegmentStore::ForEach(
    const std::function<bool(const Fingerprint& key, std::string_view record)>& visit) const {
  const std::optional<Gate::Pass> pass = readers_.Enter();
  if (!pass) return BeingOpened();
  return database_->ForEach(visit);
}

void SegmentStore::BuildFilters(const std::function<bool()>& go_on) {
  const std::optional<Gate::Pass> pass = readers_.Enter();
  if (pass) database_->BuildFilters(go_on);
}

absl::Status SegmentStore::LoadOrigins(
    const std::function<absl::Status(uint32_t number, std::string_view bytes)>& restore) const {
  const std::optional<Gate::Pass> pass = readers_.Enter();
  if (!pass) return BeingOpened();
  return database_->LoadOrigins(restore);
}

absl::Status SegmentStore::LoadEpochs(
    const std::function<void(EpochSlot, uint64_t)>& restore) const {
  const std::optional<Gate::Pass> pass = readers_.Enter();
  if (!pass) return BeingOpened();
  return database_->LoadEpochs(restore);
}

SegmentStore::Stats SegmentStore::stats() const {
  Stats stats;
  const std::optional<Gate::Pass> pass = readers_.Enter();
  if (pass) stats = database_->stats();
  stats.limit_bytes = options_.limit_bytes;
  stats.dropped_entries += dropped_before_;
  return stats;
}

absl::Status SegmentStore::Write(Records records, Origins origins) {
  MutexLock lock(&write_mutex_);
  SOUVENIR_RETURN_IF_ERROR(failed_);
  return failed_ = database_->Write(records, origins);
}

absl::Status SegmentStore::DropOrigins(absl::Span<const uint32_t> numbers) {
  MutexLock lock(&write_mutex_);
  SOUVENIR_RETURN_IF_ERROR(failed_);
  return failed_ = database_->DropOrigins(numbers);
}

absl::Status SegmentStore::SaveEpoch(EpochSlot slot, uint64_t epoch) {
  MutexLock lock(&write_mutex_);
  SOUVENIR_RETURN_IF_ERROR(failed_);
  return failed_ = database_->SaveEpoch(slot, epoch);
}

}  // namespace souvenir::cache
