#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "cache/entry.h"
#include "cache/entry_codec.h"

namespace souvenir::cache {

// A snapshot is a file of entries, to warm another cache with:
//
//   "souvenir-snapshot-1\n"
//   for each entry: u32 size of what follows, the key of 32 bytes, a record of entry_codec.h
//   without epochs, which mean nothing elsewhere u32 zero, u64 number of entries
//
// all little-endian. Every record has its checksum, and the end tells a file that was cut off. A
// key may come twice; the later one counts. An answer is found only where a model of the same
// digest answers, because that is in its key.

// Writes a snapshot to the end of a string, which the caller may empty at any time. Not
// thread-safe.
class SnapshotWriter {
 public:
  // `out` must outlive the writer.
  explicit SnapshotWriter(std::string* out);

  void Add(const Entry& entry);
  // Nothing may be added after it.
  void End();

  uint64_t entries() const { return entries_; }

 private:
  std::string* const out_;
  uint64_t entries_ = 0;
};

// Reads a snapshot that comes in pieces of any size. Keeps no more than the piece it was given and
// one record. Not thread-safe.
class SnapshotReader {
 public:
  // What is kept of a record that is not there in full, at most.
  static constexpr uint32_t kMostRecordBytes = 128u << 20;

  // Is told each entry; what it points to lives until it returns. What it returns, if it is an
  // error, ends the reading.
  using Visit = std::function<absl::Status(const DecodedEntry& entry)>;

  explicit SnapshotReader(Visit visit) : visit_(std::move(visit)) {}

  // The next bytes. DATA_LOSS, with the place, where they are no snapshot; what came before was
  // visited.
  absl::Status Feed(std::string_view bytes);

  // After the last bytes: DATA_LOSS where the end is missing.
  absl::Status Finish() const;

  uint64_t entries() const { return entries_; }

 private:
  absl::Status ReadRecord(std::string_view record);
  absl::Status ReadEnd(std::string_view number);
  // Reads as much of `bytes` as is there in full; how much that was.
  absl::Status ReadSome(std::string_view bytes, size_t* read);

  const Visit visit_;
  std::string rest_;    // the beginning of what is not there in full
  uint64_t place_ = 0;  // of that, from the beginning of the file
  uint64_t entries_ = 0;
  bool began_ = false;
  bool ended_ = false;
};

}  // namespace souvenir::cache
