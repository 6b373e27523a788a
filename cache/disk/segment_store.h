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

// A store of records by fingerprint in RocksDB, together with their origins, by number, and the
// epochs.
//
// The store is a sequence of segments, each a column family. Records are only added, and only to
// the newest segment. When that has its share of the limit, a new one is begun and the oldest is
// dropped whole. So there is no compaction: a record is written twice in its life, to the log and
// to its file (docs/adr/0006).
//
// Thread-safe. All methods except Probe() and stats() may wait for a disk.
class SegmentStore {
 public:
  static constexpr uint32_t kMostSegments = 64;

  struct Options {
    std::string directory;
    uint64_t limit_bytes = uint64_t{4} << 30;  // of files including the log; at least 16 MiB
    uint32_t segments = 0;                     // 2 to kMostSegments; 0: chosen for the limit
  };

  struct Stats {
    uint64_t bytes = 0;  // of records before compression; of files for reopened segments
    uint64_t limit_bytes = 0;
    uint64_t entries = 0;  // a replaced record counts until its segment is dropped
    uint64_t segments = 0;
    uint64_t filtered_segments = 0;  // segments with a filter, see BuildFilters()
    uint64_t dropped_entries = 0;    // dropped with their segments
    // Segments are numbered for the life of the store. 0 while the store is closed.
    uint64_t oldest_segment = 0;
    uint64_t newest_segment = 0;
  };

  enum class Presence {
    kFound,
    kAbsent,
    kUnknown,  // only the disk can tell
  };

  // Checks options. INVALID_ARGUMENT names the option, its value and the expected values.
  static absl::Status Check(const Options& options);

  // Returns the maximum memory of a store's write buffers in bytes. Filters and indexes, some three
  // bytes per record, are not included.
  static uint64_t MemoryBytes(const Options& options);

  // Opens or creates the store. Empties a store of another schema. FAILED_PRECONDITION if another
  // process has it open; PERMISSION_DENIED, NOT_FOUND or UNAVAILABLE if the directory cannot be
  // used; DATA_LOSS if the store is damaged.
  static absl::StatusOr<std::unique_ptr<SegmentStore>> Open(const Options& options);
  ~SegmentStore();

  // Looks `key` up in memory only: the newest records, the filters, and files in the kernel's page
  // cache. Sets `*record` if the result is kFound. Takes a microsecond for an absent key and ten
  // for one that is found.
  Presence Probe(const Fingerprint& key, std::string* record) const;

  // Returns the newest record of `key`, or nullopt if there is none or the store is closed for
  // Resume().
  absl::StatusOr<std::optional<std::string>> Read(const Fingerprint& key) const;

  // Calls `visit` for each record until it returns false, older segments first. May miss records
  // that are written concurrently. Resume() waits for it to end.
  absl::Status ForEach(
      const std::function<bool(const Fingerprint& key, std::string_view record)>& visit) const;

  using Records = absl::Span<const std::pair<Fingerprint, std::string>>;
  using Origins = absl::Span<const std::pair<uint32_t, std::string>>;

  // Adds records, and the origins that they are the first to name. A call is atomic, and a crash
  // loses only the last calls, if any. Writes are not synced: a crash of the machine, unlike one of
  // the process, loses those that the kernel has not written yet. After an error nothing is
  // written, and no epoch saved, until Resume(), because RocksDB must not touch a file again that
  // it failed to write.
  absl::Status Write(Records records, Origins origins = {});

  // Builds missing filters. Filters are saved when their segments are full and when the store is
  // closed, so the newest is missing after a crash. Reads those segments whole; calls `go_on` at
  // each record, and stops if it returns false. Without a filter, a lookup searches all files of
  // the segment. REQUIRES: no concurrent Write() or Resume().
  void BuildFilters(const std::function<bool()>& go_on);

  // Calls `restore` for each saved origin until it returns an error, and returns that error.
  absl::Status LoadOrigins(
      const std::function<absl::Status(uint32_t number, std::string_view bytes)>& restore) const;

  // Drops origins without live records. Fails in the same way as Write(); LoadOrigins() then
  // returns them again.
  absl::Status DropOrigins(absl::Span<const uint32_t> numbers);

  // Saves an epoch. It is synced to the disk when the call returns. Fails in the same way as
  // Write().
  absl::Status SaveEpoch(EpochSlot slot, uint64_t epoch);

  // Calls `restore` for each saved epoch.
  absl::Status LoadEpochs(const std::function<void(EpochSlot, uint64_t)>& restore) const;

  // Reopens the store after a failed write, if there is room for that on the disk. Nothing is found
  // while it is reopened, or if that fails.
  absl::Status Resume();

  Stats stats() const;

 private:
  explicit SegmentStore(Options options);

  absl::Status OpenDatabase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);
  // Refuses new readers, waits for the others, and closes the database.
  void CloseDatabase() ABSL_EXCLUSIVE_LOCKS_REQUIRED(write_mutex_);

  const Options options_;
  Mutex write_mutex_;     // serialises writers
  mutable Gate readers_;  // closed while there is no database

  // Changed under write_mutex_ while the gate is closed. Used under write_mutex_ or inside the
  // gate.
  std::unique_ptr<SegmentDatabase> database_;
  absl::Status failed_ ABSL_GUARDED_BY(write_mutex_);  // error since which nothing is written
  std::atomic<uint64_t> dropped_before_{0};            // dropped entries of closed databases
};

}  // namespace souvenir::cache
