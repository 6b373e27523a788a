#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "cache/entry.h"
#include "cache/origin_numbers.h"

namespace souvenir::cache {

// A snapshot is a file of entries, to warm another cache with:
//
//   "souvenir-snapshot-1\n", and then pieces, each
//     u32 size of what follows
//     u8 'o' for an origin, u32 its number, its bytes; or
//     u8 'e' for an entry, its key of 32 bytes, its record; its origin has come before
//   u32 zero, u64 number of entries
//
// all little-endian; origins and records as entry_codec.h has them. The sums of epochs in records
// mean nothing elsewhere. Everything has its checksum, and the end tells a file that was cut off. A
// key may come twice; the one that was made later counts. An answer is found only where a model of
// the same digest answers, because that is in its key.

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
  void AddPiece(char sort, std::string_view name, std::string_view bytes);

  std::string* const out_;
  OriginNumbers origins_;
  uint64_t entries_ = 0;
};

// Reads a snapshot that comes in parts of any size. Keeps no more than one piece of it, and the
// origins. Not thread-safe.
class SnapshotReader {
 public:
  // What is kept of a piece that is not there in full, at most.
  static constexpr uint32_t kMostPieceBytes = 128u << 20;
  // What is kept of origins, at most.
  static constexpr uint64_t kMostOriginBytes = 64u << 20;

  // Is told each entry; what it points to lives until it returns. What it returns, if it is an
  // error, ends the reading.
  using Visit = std::function<absl::Status(Entry::Fields entry)>;

  explicit SnapshotReader(Visit visit) : visit_(std::move(visit)) {}

  // The next bytes. DATA_LOSS, with the place, where they are no snapshot; what came before was
  // visited.
  absl::Status Feed(std::string_view bytes);

  // After the last bytes: DATA_LOSS where the end is missing.
  absl::Status Finish() const;

  uint64_t entries() const { return entries_; }

 private:
  // Reads as much of `bytes` as is there in full; how much that was.
  absl::Status ReadSome(std::string_view bytes, size_t* read);
  absl::Status ReadPiece(std::string_view piece);
  absl::Status ReadOrigin(std::string_view piece);
  absl::Status ReadEntry(std::string_view piece);
  absl::Status ReadEnd(std::string_view number);

  const Visit visit_;
  std::string rest_;    // the beginning of what is not there in full
  uint64_t place_ = 0;  // of that, from the beginning of the file
  OriginNumbers origins_;
  uint64_t origin_bytes_ = 0;
  uint64_t entries_ = 0;
  bool began_ = false;
  bool ended_ = false;
};

}  // namespace souvenir::cache
