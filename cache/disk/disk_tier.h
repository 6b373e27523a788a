#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "cache/disk/segment_store.h"
#include "cache/entry.h"
#include "cache/epochs.h"
#include "cache/origin_numbers.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace souvenir::cache {

// The entries on disk. They are written after their answers were sent (write-behind).
//
// Write() only queues an entry; a thread named "disk-writer" writes it. A slow or full disk costs
// durability and never latency: entries that do not fit into the queue are dropped and counted.
// While writes fail the tier is degraded: it reports that, continues to read, and retries by
// itself.
//
// Thread-safe. Invalidated entries are absent; the caller decides whether an entry is fresh.
class DiskTier {
 public:
  struct Options {
    SegmentStore::Options store;
    // A program whose main() begins with storage::RunAsStoreCheck(). It checks the store before it
    // is opened. If empty, a store on which RocksDB aborts ends this process.
    std::string checker;
    uint64_t write_queue_bytes = 64u << 20;  // of queued entries; at least 1 MiB
    // Bytes that numbered origins may take in memory. Answers of further origins are not written.
    uint64_t most_origin_bytes = 32u << 20;
    absl::Duration retry_interval = absl::Seconds(1);  // between tries while degraded
    Clock* clock = Clock::System();                    // times the writer; outlives the tier
    // Called once for each change of healthy(), in the order of the changes, on a thread that
    // noticed one; without a lock of the tier, so healthy() may have changed again. Must not block.
    // May be empty.
    std::function<void(bool healthy)> on_health;
  };

  struct Stats {
    SegmentStore::Stats store;
    uint64_t pending_writes = 0;
    uint64_t dropped_writes = 0;  // no room, too many origins, or the write failed
    uint64_t origins = 0;         // numbered origins
    uint64_t origin_bytes = 0;    // memory of numbered origins
    uint64_t read_errors = 0;     // records that could not be read or were damaged
    uint64_t moved_aside = 0;     // stores moved aside on opening because they were damaged
  };

  // Checks options. INVALID_ARGUMENT names the option, its value and the expected values.
  static absl::Status Check(const Options& options);

  // Returns the maximum memory of a tier with these options in bytes, without the queue.
  static uint64_t MemoryBytes(const Options& options) {
    return SegmentStore::MemoryBytes(options.store);
  }

  // Opens the store and copies the saved epochs into `epochs`, which must outlive the tier. Moves a
  // damaged store aside and begins a new one. See SegmentStore::Open() for errors.
  static absl::StatusOr<std::unique_ptr<DiskTier>> Open(const Options& options, EpochTable* epochs);

  // Calls Stop().
  ~DiskTier();

  // Looks `key` up without waiting for the disk. Sets `*entry` if the result is kFound.
  SegmentStore::Presence Probe(const Fingerprint& key, EntryPtr* entry);

  // Returns the entry for `key`, or null. Waits for the disk. A damaged or unreadable record is
  // logged, counted and absent.
  EntryPtr Read(const Fingerprint& key);

  // Calls `visit` for each entry until it returns false. An older entry of a key comes before a
  // newer one. Skips damaged and invalidated entries. Waits for the disk.
  absl::Status ForEach(const std::function<bool(const EntryPtr& entry)>& visit);

  // Queues the entry to be written. Drops it if the queue has no room.
  void Write(EntryPtr entry);

  // Same as Write(), but waits for room in the queue while the tier is healthy. For imports, which
  // have more to write than the disk takes at once and keep no answer waiting.
  void WriteWaiting(EntryPtr entry);

  // Makes `epoch` durable. Waits for the disk. If that fails, the epoch is saved before any further
  // entry is written. REQUIRES: nothing has been stamped with `epoch` yet. Otherwise, after a crash
  // that forgot the epoch, such an entry would seem to belong to the later epoch of the same
  // number.
  absl::Status SaveEpoch(EpochSlot slot, uint64_t epoch);

  // Starts to drop, in the background, the origins whose records have all been invalidated.
  // (Origins whose records have gone with their segments are always dropped.)
  void SweepOrigins();

  uint64_t origin_bytes() const { return origins_.bytes(); }

  // Returns true if `matches` is true of an origin that may have live entries.
  bool HasLiveOrigin(absl::FunctionRef<bool(const Origin&)> matches) const {
    return origins_.HasLive(matches, [this](const Origin& origin) { return EpochsOf(origin); });
  }

  // Waits until the entries queued so far have been written or dropped.
  void Flush();

  // Refuses new entries, writes or drops the queued ones, and joins the writer. Idempotent.
  void Stop();

  // Returns false while writes fail.
  bool healthy() const { return healthy_.load(std::memory_order_relaxed); }

  Stats stats() const;

 private:
  DiskTier(const Options& options, std::unique_ptr<SegmentStore> store, EpochTable* epochs,
           bool moved_aside);

  // Loads the epochs and the origins from the store.
  absl::Status Load();
  // Adds the entry to the queue, or drops it.
  void Queue(EntryPtr entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoom(const Entry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return queue_bytes_ + entry.charge <= options_.write_queue_bytes;
  }
  void RunWriter();
  // Builds the store's missing filters. Returns early on Stop().
  void BuildFilters();
  bool is_stopping() const {
    MutexLock lock(&mutex_);
    return stopping_;
  }
  void WaitToRetry() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Waits a moment for more entries, so that they are written together.
  void Gather() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Removes and returns a batch of entries from the queue.
  std::vector<EntryPtr> TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteBatch(const std::vector<EntryPtr>& entries);
  // Drops origins without live records. Called only by the writer's thread.
  void DropUnusedOrigins();
  // Returns the sum of the epochs that every record of an origin falls under.
  uint64_t EpochsOf(const Origin& origin) const {
    return epochs_->Get(EpochTable::All()) + epochs_->Get(origin.tenant_slot()) +
           epochs_->Get(origin.model_slot());
  }
  absl::Status Recover();
  EntryPtr Decode(const Fingerprint& key, std::string_view record);
  // Notes whether the disk works, by the status of the last access to it.
  void NoteHealth(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(epoch_mutex_);
  // Logs the changes that were noted, and reports them to on_health, in their order and outside
  // every lock. If another thread is doing so, that one reports them.
  void ReportHealth();

  const Options options_;
  const std::unique_ptr<SegmentStore> store_;
  EpochTable* const epochs_;
  const bool moved_aside_;
  OriginNumbers origins_;

  std::atomic<bool> healthy_{true};  // changed only under epoch_mutex_
  std::atomic<uint64_t> dropped_writes_{0};
  std::atomic<uint64_t> read_errors_{0};

  mutable Mutex mutex_;
  CondVar queued_;
  CondVar written_;
  std::deque<EntryPtr> queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t queue_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t queued_count_ ABSL_GUARDED_BY(mutex_) = 0;   // since the start
  uint64_t written_count_ ABSL_GUARDED_BY(mutex_) = 0;  // since the start, dropped ones included
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool sweep_origins_ ABSL_GUARDED_BY(mutex_) = false;

  uint64_t swept_segment_ = 0;  // oldest segment when origins were last dropped; for the writer

  Mutex epoch_mutex_;  // serialises those who save epochs, and the changes of healthy_
  // Epochs that could not be saved yet. The tier is not healthy while there are any.
  std::map<EpochSlot, uint64_t> unsaved_ ABSL_GUARDED_BY(epoch_mutex_);
  std::deque<absl::Status> unreported_ ABSL_GUARDED_BY(epoch_mutex_);  // OK: healthy again
  bool is_reporting_ ABSL_GUARDED_BY(epoch_mutex_) = false;  // a thread is in ReportHealth()

  std::thread writer_;
};

}  // namespace souvenir::cache
