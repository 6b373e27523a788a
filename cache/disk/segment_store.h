#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "cache/epochs.h"
#include "cache/fingerprint.h"
#include "common/gate.h"
#include "common/mutex.h"

namespace souvenir::cache {

class SegmentDatabase;

// Records by fingerprint in RocksDB, and beside them their origins, by number, and the epochs.
//
// The store is a row of segments, each a column family. Records are only ever added, to the newest;
// when that has its share of the limit a new one is begun and the oldest is dropped whole. So
// nothing is compacted: a record is written twice in its life, to the log and to its file
// (docs/adr/0006).
//
// Thread-safe. All but Probe() may wait for a disk.
class SegmentStore {
 public:
  static constexpr uint32_t kMostSegments = 64;

  struct Options {
    std::string directory;
    uint64_t limit_bytes = uint64_t{4} << 30;  // of files, the log included; at least 16 MiB
    uint32_t segments = 0;                     // 2 to kMostSegments, or 0: as suits the limit
  };

  struct Stats {
    uint64_t bytes = 0;  // of records, before compression
    uint64_t limit_bytes = 0;
    uint64_t entries = 0;  // a record that was replaced counts until its segment goes
    uint64_t segments = 0;
    uint64_t filtered_segments = 0;  // those that have their filter, see BuildFilters()
    uint64_t dropped_entries = 0;    // with their segments
    // Segments are numbered through the life of the store. 0: the store is closed for now.
    uint64_t oldest_segment = 0;
    uint64_t newest_segment = 0;
  };

  enum class Presence {
    kFound,
    kAbsent,
    kUnknown,  // only the disk can tell
  };

  // INVALID_ARGUMENT names the option that makes no sense, what came and what was expected.
  static absl::Status Check(const Options& options);

  // What a store with these options keeps in memory: records that wait to be written to files, and
  // blocks that were read. Filters and indexes, some two bytes a record, come on top of that.
  static uint64_t MemoryBytes(const Options& options);

  // Opens or makes the store; one of another schema is emptied. FAILED_PRECONDITION where another
  // process has it open; PERMISSION_DENIED, NOT_FOUND or UNAVAILABLE where the directory cannot be
  // used; DATA_LOSS where what it holds is damaged. Each says what to do.
  static absl::StatusOr<std::unique_ptr<SegmentStore>> Open(const Options& options);
  ~SegmentStore();

  // Looks only at what is in memory: the newest records, filters, and what the operating system
  // has of the files. A microsecond for a key that is absent, ten for one that is there.
  Presence Probe(const Fingerprint& key, std::string* record) const;

  // The newest record of the key, if there is one.
  absl::StatusOr<std::optional<std::string>> Read(const Fingerprint& key) const;

  // Calls `visit` for each record, of older segments first, until it returns false. Those written
  // meanwhile may be left out. Resume() waits for it.
  absl::Status ForEach(
      const std::function<bool(const Fingerprint& key, std::string_view record)>& visit) const;

  using Records = absl::Span<const std::pair<Fingerprint, std::string>>;
  using Origins = absl::Span<const std::pair<uint32_t, std::string>>;

  // Adds records, and the origins that they are the first to name: all or, after a crash, some
  // first part of all writes. Not synced: what the machine, not the process, had in its buffers is
  // lost with the machine. After a failure nothing is written, and no epoch saved, until Resume():
  // RocksDB must not be let near a file again that it could not write to.
  absl::Status Write(Records records, Origins origins = {});

  // Makes the filters that segments lack: the newest after a crash, since filters are kept when
  // their segments are full and when the store is closed. Reads those segments whole, unless
  // `go_on`, which is asked at each record, says no. Until then every key is looked for in all
  // their files. Not beside Write() or Resume().
  void BuildFilters(const std::function<bool()>& go_on);

  // Calls `restore` for each origin that was written, until it returns an error.
  absl::Status LoadOrigins(
      const std::function<absl::Status(uint32_t number, std::string_view bytes)>& restore) const;

  // Drops origins that no record names any more, or only records that nobody will read. Fails as
  // Write(); they come back with the next LoadOrigins() then.
  absl::Status DropOrigins(absl::Span<const uint32_t> numbers);

  // Keeps one epoch; synced when it returns.
  absl::Status SaveEpoch(EpochSlot slot, uint64_t epoch);

  // Calls `restore` for each epoch that was kept.
  absl::Status LoadEpochs(const std::function<void(EpochSlot, uint64_t)>& restore) const;

  // After a failed write: opens the store anew, if there is room for that. While that goes on, and
  // if it fails, nothing is found.
  absl::Status Resume();

  Stats stats() const;

 private:
  explicit SegmentStore(Options options);

  absl::Status OpenDatabase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  // Waits for those who read, and lets no more in.
  void CloseDatabase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);

  const Options options_;
  Mutex write_mutex_;     // one who writes at a time
  mutable Gate readers_;  // closed while there is no database

  // Changed under write_mutex_ while the gate is closed; used under that, or inside the gate.
  std::unique_ptr<SegmentDatabase> database_;
  absl::Status failed_ ABSL_GUARDED_BY(write_mutex_);  // since when nothing is written
  std::atomic<uint64_t> dropped_before_{0};            // entries, from databases that were closed
};

}  // namespace souvenir::cache
