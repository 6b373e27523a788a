#include "cache/disk/disk_tier.h"

#include <fmt/format.h>

#include <utility>

#include "cache/entry_codec.h"
#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "common/thread.h"
#include "storage/store_check.h"

namespace souvenir::cache {
namespace {

constinit Logger log{"disk"};
constinit LogLimit back_limit;
constinit LogLimit degraded_limit;
// Every lookup may meet a damaged record.
constinit LogLimit read_limit;

// Number of entries written at once: enough to share the cost of a write, few enough that the
// queue's memory is freed steadily.
constexpr size_t kBatchEntries = 128;
// Time for which entries are gathered into a batch, because one write costs more than many entries.
constexpr absl::Duration kGather = absl::Milliseconds(10);

// Opens the store. Moves a damaged one aside and opens a new one in its place.
absl::StatusOr<std::unique_ptr<SegmentStore>> OpenOrReplace(const DiskTier::Options& options,
                                                            bool* moved_aside) {
  const std::string& directory = options.store.directory;
  absl::Status sound = storage::CheckStore(options.checker, directory);
  if (sound.ok()) {
    absl::StatusOr<std::unique_ptr<SegmentStore>> store = SegmentStore::Open(options.store);
    if (!absl::IsDataLoss(store.status())) return store;
    sound = store.status();
  }
  log.Error("the store is damaged; moving it aside and beginning a new one",
            {{"reason", sound.ToString()}, {"moved_to", directory + ".damaged"}});
  SOUVENIR_RETURN_IF_ERROR(storage::MoveAside(directory));
  *moved_aside = true;
  return SegmentStore::Open(options.store);
}

}  // namespace

absl::Status DiskTier::Check(const Options& options) {
  SOUVENIR_RETURN_IF_ERROR(SegmentStore::Check(options.store));
  constexpr uint64_t kLeastQueue = 1u << 20;
  if (options.write_queue_bytes >= kLeastQueue) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("disk.write_queue_bytes is {}; it must be at least {}", options.write_queue_bytes,
                  kLeastQueue));
}

absl::StatusOr<std::unique_ptr<DiskTier>> DiskTier::Open(const Options& options,
                                                         EpochTable* epochs) {
  SOUVENIR_RETURN_IF_ERROR(Check(options));
  bool moved_aside = false;
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<SegmentStore> store,
                            OpenOrReplace(options, &moved_aside));
  std::unique_ptr<DiskTier> tier(new DiskTier(options, std::move(store), epochs, moved_aside));
  SOUVENIR_RETURN_IF_ERROR(tier->Load());
  tier->writer_ = StartThread("disk-writer", [tier = tier.get()] { tier->RunWriter(); });
  return tier;
}

absl::Status DiskTier::Load() {
  SOUVENIR_RETURN_IF_ERROR(store_->LoadEpochs(
      [this](EpochSlot slot, uint64_t epoch) { epochs_->Restore(slot, epoch); }));
  // Any segment may have records of a restored origin. Earlier invalidations are not known any
  // more.
  const uint64_t newest = store_->stats().newest_segment;
  return store_->LoadOrigins([this, newest](uint32_t number, std::string_view bytes) {
    const absl::Status restored = origins_.Restore(
        number, bytes, newest + 1, [this](const Origin& origin) { return EpochsOf(origin); });
    // Without their origin its records are absent, which does no further harm.
    if (!restored.ok()) log.Error("a damaged origin is left out", {{"number", number}});
    return absl::OkStatus();
  });
}

DiskTier::DiskTier(const Options& options, std::unique_ptr<SegmentStore> store, EpochTable* epochs,
                   bool moved_aside)
    : options_(options),
      store_(std::move(store)),
      epochs_(epochs),
      moved_aside_(moved_aside),
      origins_(options.most_origin_bytes) {}

DiskTier::~DiskTier() { Stop(); }

SegmentStore::Presence DiskTier::Probe(const Fingerprint& key, EntryPtr* entry) {
  std::string record;
  const SegmentStore::Presence presence = store_->Probe(key, &record);
  if (presence != SegmentStore::Presence::kFound) return presence;
  *entry = Decode(key, record);
  return *entry != nullptr ? presence : SegmentStore::Presence::kAbsent;
}

EntryPtr DiskTier::Read(const Fingerprint& key) {
  absl::StatusOr<std::optional<std::string>> record = store_->Read(key);
  if (!record.ok()) {
    ++read_errors_;
    log.Error(read_limit, "a read failed", {{"reason", record.status().ToString()}});
    return nullptr;
  }
  const std::optional<std::string>& found = *record;
  return found ? Decode(key, *found) : nullptr;
}

EntryPtr DiskTier::Decode(const Fingerprint& key, std::string_view record) {
  absl::StatusOr<DecodedEntry> decoded = DecodeEntry(key, record);
  if (!decoded.ok()) {
    ++read_errors_;
    log.Error(read_limit, "a damaged record is left out",
              {{"key", key.Hex()}, {"reason", decoded.status().ToString()}});
    return nullptr;
  }
  decoded->fields.origin = origins_.Get(decoded->origin);
  if (decoded->fields.origin == nullptr) return nullptr;
  EntryPtr entry = Entry::Create(decoded->fields);
  return entry->IsCurrent(*epochs_) ? entry : nullptr;
}

absl::Status DiskTier::ForEach(const std::function<bool(const EntryPtr& entry)>& visit) {
  return store_->ForEach([&](const Fingerprint& key, std::string_view record) {
    const EntryPtr entry = Decode(key, record);
    return entry == nullptr || visit(entry);
  });
}

void DiskTier::Write(EntryPtr entry) {
  MutexLock lock(&mutex_);
  Queue(std::move(entry));
}

void DiskTier::WriteWaiting(EntryPtr entry) {
  MutexLock lock(&mutex_);
  while (!queue_.empty() && !HasRoom(*entry) && healthy() && !stopping_) written_.Wait(&mutex_);
  Queue(std::move(entry));
}

void DiskTier::Queue(EntryPtr entry) {
  if (stopping_ || !HasRoom(*entry)) {
    ++dropped_writes_;
    return;
  }
  queue_bytes_ += entry->charge;
  ++queued_count_;
  queue_.push_back(std::move(entry));
  // The writer waits for a first entry, and then for a full batch.
  if (queue_.size() == 1 || queue_.size() == kBatchEntries) queued_.NotifyOne();
}

absl::Status DiskTier::SaveEpoch(EpochSlot slot, uint64_t epoch) {
  {
    MutexLock lock(&epoch_mutex_);
    absl::Status saved = store_->SaveEpoch(slot, epoch);
    if (saved.ok()) return saved;
    unsaved_[slot] = epoch;
    NoteHealth(saved);
  }
  ReportHealth();
  // Wakes the writer to retry, even if no entry is queued.
  MutexLock lock(&mutex_);
  queued_.NotifyAll();
  return absl::UnavailableError("the disk tier is degraded, see the health service souvenir.disk");
}

void DiskTier::SweepOrigins() {
  MutexLock lock(&mutex_);
  sweep_origins_ = true;
  queued_.NotifyAll();
}

void DiskTier::Flush() {
  MutexLock lock(&mutex_);
  const uint64_t all = queued_count_;
  while (written_count_ < all) written_.Wait(&mutex_);
}

void DiskTier::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  queued_.NotifyAll();
  if (writer_.joinable()) writer_.join();
}

DiskTier::Stats DiskTier::stats() const {
  Stats stats;
  stats.store = store_->stats();
  stats.dropped_writes = dropped_writes_;
  stats.read_errors = read_errors_;
  stats.moved_aside = moved_aside_ ? 1 : 0;
  stats.origins = origins_.size();
  stats.origin_bytes = origins_.bytes();
  MutexLock lock(&mutex_);
  stats.pending_writes = queued_count_ - written_count_;
  return stats;
}

void DiskTier::RunWriter() {
  BuildFilters();
  for (;;) {
    std::vector<EntryPtr> batch;
    bool sweep = false;
    {
      MutexLock lock(&mutex_);
      if (!healthy()) WaitToRetry();
      while (queue_.empty() && !stopping_ && !sweep_origins_ && healthy()) queued_.Wait(&mutex_);
      if (queue_.empty() && stopping_) return;
      sweep = std::exchange(sweep_origins_, false);
      if (!queue_.empty()) Gather();
      batch = TakeBatch();
    }
    WriteBatch(batch);
    if (sweep || store_->stats().oldest_segment != swept_segment_) DropUnusedOrigins();
    uint64_t bytes = 0;
    for (const EntryPtr& entry : batch) bytes += entry->charge;
    MutexLock lock(&mutex_);
    queue_bytes_ -= bytes;
    written_count_ += batch.size();
    written_.NotifyAll();
  }
}

void DiskTier::BuildFilters() {
  constexpr uint64_t kOften = 1024;
  store_->BuildFilters(
      [this, asked = uint64_t{0}]() mutable { return ++asked % kOften != 0 || !is_stopping(); });
}

void DiskTier::Gather() {
  const absl::Duration end = options_.clock->Monotonic() + kGather;
  while (queue_.size() < kBatchEntries && !stopping_ && healthy()) {
    if (!queued_.WaitUntil(&mutex_, *options_.clock, end)) return;
  }
}

std::vector<EntryPtr> DiskTier::TakeBatch() {
  std::vector<EntryPtr> batch;
  while (!queue_.empty() && batch.size() < kBatchEntries) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return batch;
}

// Meanwhile the queue fills, and further entries are dropped.
void DiskTier::WaitToRetry() {
  const absl::Duration end = options_.clock->Monotonic() + options_.retry_interval;
  while (!stopping_) {
    if (!queued_.WaitUntil(&mutex_, *options_.clock, end)) return;
  }
}

void DiskTier::WriteBatch(const std::vector<EntryPtr>& entries) {
  std::vector<std::pair<Fingerprint, std::string>> records;
  records.reserve(entries.size());
  // A recovery or a rotation may begin the next segment.
  const uint64_t segment = store_->stats().newest_segment + 1;
  for (const EntryPtr& entry : entries) {
    // An entry that was invalidated in the queue is not worth its place on disk.
    if (!entry->IsCurrent(*epochs_)) continue;
    const std::optional<uint32_t> origin = origins_.NumberOf(
        entry->origin(), {.segment = segment, .epochs = EpochsOf(entry->origin())});
    if (origin) {
      records.emplace_back(entry->key, EncodeEntry(*entry, *origin));
    } else {
      ++dropped_writes_;
    }
  }
  absl::Status written;
  if (!healthy()) written = Recover();
  if (written.ok() && !records.empty()) {
    written = store_->Write(records, origins_.Unsaved());
    if (written.ok()) origins_.Saved();
  }
  if (!written.ok()) dropped_writes_ += records.size();
  {
    MutexLock lock(&epoch_mutex_);
    // An epoch that could not be saved while this batch was written has to be saved before the next
    // one: SaveEpoch() has noted that the tier is not healthy.
    if (!written.ok() || unsaved_.empty()) NoteHealth(written);
  }
  ReportHealth();
}

void DiskTier::DropUnusedOrigins() {
  if (!healthy()) return;
  swept_segment_ = store_->stats().oldest_segment;
  const std::vector<uint32_t> dropped = origins_.DropUnused(
      swept_segment_, [this](const Origin& origin) { return EpochsOf(origin); });
  if (dropped.empty()) return;
  const absl::Status written = store_->DropOrigins(dropped);
  if (written.ok()) return;
  {
    MutexLock lock(&epoch_mutex_);
    NoteHealth(written);
  }
  ReportHealth();
}

absl::Status DiskTier::Recover() {
  SOUVENIR_RETURN_IF_ERROR(store_->Resume());
  BuildFilters();
  MutexLock lock(&epoch_mutex_);
  while (!unsaved_.empty()) {
    const auto& [slot, epoch] = *unsaved_.begin();
    SOUVENIR_RETURN_IF_ERROR(store_->SaveEpoch(slot, epoch));
    unsaved_.erase(unsaved_.begin());
  }
  return absl::OkStatus();
}

void DiskTier::NoteHealth(const absl::Status& status) {
  if (healthy_.exchange(status.ok()) != status.ok()) unreported_.push_back(status);
}

void DiskTier::ReportHealth() {
  {
    MutexLock lock(&epoch_mutex_);
    if (unreported_.empty() || std::exchange(is_reporting_, true)) return;
  }
  for (;;) {
    absl::Status status;
    {
      MutexLock lock(&epoch_mutex_);
      if (unreported_.empty()) {
        is_reporting_ = false;
        return;
      }
      status = std::move(unreported_.front());
      unreported_.pop_front();
    }
    if (status.ok()) {
      log.Info(back_limit, "the disk tier is back");
    } else {
      log.Error(degraded_limit, "the disk tier is degraded: answers are kept in memory only",
                {{"reason", status.ToString()}});
    }
    if (options_.on_health) options_.on_health(status.ok());
  }
}

}  // namespace souvenir::cache
