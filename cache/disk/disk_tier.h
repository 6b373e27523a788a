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

// Entries on disk, written behind the answers.
//
// Whoever computes an answer only queues it; a thread named "disk-writer" writes. A slow or full
// disk costs durability and never latency: what the queue has no room for is dropped and counted,
// and while writes fail the tier is degraded: it says so, goes on reading, and tries again by
// itself.
//
// Thread-safe. What was invalidated is absent; whether an entry is still fresh is for the caller.
class DiskTier {
 public:
  struct Options {
    SegmentStore::Options store;
    // A program whose main() begins with RunAsStoreCheck(), which looks at the store before it is
    // opened; "": none does, and a store on which RocksDB aborts ends the process.
    std::string checker;
    uint64_t write_queue_bytes = 64u << 20;  // of entries waiting; at least 1 MiB
    // Bytes that numbered origins may take in memory. Answers of further origins are not written.
    uint64_t most_origin_bytes = 32u << 20;
    absl::Duration retry_interval = absl::Seconds(1);  // between tries while degraded
    Clock* clock = Clock::System();                    // times the writer; outlives the tier
    // Told when healthy() changes, on the thread that found out; must not block. May be empty.
    std::function<void(bool healthy)> on_health;
  };

  struct Stats {
    SegmentStore::Stats store;
    uint64_t pending_writes = 0;
    uint64_t dropped_writes = 0;  // no room, too many origins, or the write failed
    uint64_t origins = 0;         // whose records there are
    uint64_t origin_bytes = 0;    // of those, in memory
    uint64_t read_errors = 0;     // records that could not be read or were damaged
    uint64_t moved_aside = 0;     // stores that were damaged when they were to be opened
  };

  // INVALID_ARGUMENT names the option that makes no sense, what came and what was expected.
  static absl::Status Check(const Options& options);

  // What a tier with these options keeps in memory, at most, beside the queue.
  static uint64_t MemoryBytes(const Options& options) {
    return SegmentStore::MemoryBytes(options.store);
  }

  // Opens the store, as SegmentStore::Open, but that one which is damaged is moved aside and a new
  // one begun, and puts the kept epochs into `epochs`, which must outlive the tier.
  static absl::StatusOr<std::unique_ptr<DiskTier>> Open(const Options& options, EpochTable* epochs);

  // As Stop().
  ~DiskTier();

  // Whether the entry is there, as far as that can be told without waiting for the disk.
  SegmentStore::Presence Probe(const Fingerprint& key, EntryPtr* entry);

  // The entry, or null. Reads from the disk. A damaged or unreadable record is logged, counted, and
  // absent.
  EntryPtr Read(const Fingerprint& key);

  // Calls `visit` for each entry, an older one of the same key before a newer one, until it returns
  // false. Damaged records are left out.
  absl::Status ForEach(const std::function<bool(const EntryPtr& entry)>& visit);

  // Queues the entry to be written.
  void Write(EntryPtr entry);

  // The same, but waits for room in the queue while the tier is healthy: for who has more to write
  // than the disk takes at once, and no answer to give.
  void WriteWaiting(EntryPtr entry);

  // Makes `epoch` durable; to be called before anything is stamped with it, or an entry stamped
  // with an epoch that a crash forgot would seem to be of the one that later gets the same number.
  // Waits for the disk. After an error it is saved before any entry is written again.
  absl::Status SaveEpoch(EpochSlot slot, uint64_t epoch);

  // Has the origins dropped, in the background, whose records were all invalidated. (Those whose
  // records have gone with their segments are dropped anyway.)
  void SweepOrigins();

  uint64_t origin_bytes() const { return origins_.bytes(); }

  // Waits until all that was queued before has been written or dropped.
  void Flush();

  // Writes what is queued, then takes no more. Idempotent.
  void Stop();

  // False while writes fail.
  bool healthy() const { return healthy_.load(std::memory_order_relaxed); }

  Stats stats() const;

 private:
  DiskTier(const Options& options, std::unique_ptr<SegmentStore> store, EpochTable* epochs,
           bool moved_aside);

  // What is kept beside the records.
  absl::Status Load();
  // Takes it, or drops it.
  void Queue(EntryPtr entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HasRoom(const Entry& entry) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return queue_bytes_ + entry.charge <= options_.write_queue_bytes;
  }
  void RunWriter();
  // Of the store, until a stop.
  void BuildFilters();
  bool is_stopping() const {
    MutexLock lock(&mutex_);
    return stopping_;
  }
  void WaitToRetry() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Waits a moment, for more to write at once.
  void Gather() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Some of the queue.
  std::vector<EntryPtr> TakeBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void WriteBatch(const std::vector<EntryPtr>& entries);
  // Forgets origins that no record names any more. Called by the writer's thread alone.
  void DropUnusedOrigins();
  // Returns the sum of the epochs that every record of an origin falls under.
  uint64_t EpochsOf(const Origin& origin) const {
    return epochs_->Get(EpochTable::All()) + epochs_->Get(origin.tenant_slot()) +
           epochs_->Get(origin.model_slot());
  }
  absl::Status Recover();
  EntryPtr Decode(const Fingerprint& key, std::string_view record);
  void SetHealthy(bool healthy, const absl::Status& reason);

  const Options options_;
  const std::unique_ptr<SegmentStore> store_;
  EpochTable* const epochs_;
  const bool moved_aside_;
  OriginNumbers origins_;

  std::atomic<bool> healthy_{true};
  std::atomic<uint64_t> dropped_writes_{0};
  std::atomic<uint64_t> read_errors_{0};

  mutable Mutex mutex_;
  CondVar queued_;
  CondVar written_;
  std::deque<EntryPtr> queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t queue_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t queued_count_ ABSL_GUARDED_BY(mutex_) = 0;   // in all
  uint64_t written_count_ ABSL_GUARDED_BY(mutex_) = 0;  // in all, dropped ones included
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  bool sweep_origins_ ABSL_GUARDED_BY(mutex_) = false;

  uint64_t swept_segment_ = 0;  // the writer's: the oldest one when origins were dropped last

  Mutex epoch_mutex_;  // one who saves epochs at a time
  // That could not be saved.
  std::map<EpochSlot, uint64_t> unsaved_ ABSL_GUARDED_BY(epoch_mutex_);

  std::thread writer_;
};

}  // namespace souvenir::cache
