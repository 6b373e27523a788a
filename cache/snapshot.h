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

// A snapshot is a file of entries, made to warm another cache:
//
//   "souvenir-snapshot-1\n", and then pieces, each
//     u32 size of what follows
//     u8 'o' for an origin, u32 its number, its bytes; or
//     u8 'e' for an entry, its key of 32 bytes, its record; its origin has come before
//   u32 zero, u64 number of entries
//
// All numbers are little-endian; entry_codec.h has the format of origins and records. The sums of
// epochs in records mean nothing to another cache. Each piece has a checksum, and the end shows
// that the file is complete. A key may occur twice; the entry that was made later counts. An answer
// is found only if a model of the same digest answers, because the digest is part of the key.

// Appends a snapshot to a string, which the caller may clear at any time. Not thread-safe.
class SnapshotWriter {
 public:
  // `out` must outlive the writer.
  explicit SnapshotWriter(std::string* out);

  void Add(const Entry& entry);
  // Writes the end. REQUIRES: Add() is not called afterwards.
  void End();

  uint64_t entries() const { return entries_; }

 private:
  void AddPiece(char sort, std::string_view name, std::string_view bytes);

  std::string* const out_;
  OriginNumbers origins_;
  uint64_t entries_ = 0;
};

// Reads a snapshot that comes in parts of any size. Keeps at most one incomplete piece and the
// origins in memory. Not thread-safe.
class SnapshotReader {
 public:
  // Maximum size of a piece.
  static constexpr uint32_t kMostPieceBytes = 128u << 20;
  // Maximum size of all origins.
  static constexpr uint64_t kMostOriginBytes = 64u << 20;

  // Called for each entry, whose pointers are valid until it returns. Reading ends with the error
  // that it returns.
  using Visit = std::function<absl::Status(Entry::Fields entry)>;

  explicit SnapshotReader(Visit visit) : visit_(std::move(visit)) {}

  // Reads the next bytes. DATA_LOSS, with the position, if they are not part of a snapshot; entries
  // before that position have been visited.
  absl::Status Feed(std::string_view bytes);

  // Checks that the snapshot is complete, after the last bytes. DATA_LOSS if the end is missing.
  absl::Status Finish() const;

  uint64_t entries() const { return entries_; }

 private:
  // Reads the complete pieces of `bytes` and sets `*read` to their size.
  absl::Status ReadSome(std::string_view bytes, size_t* read);
  absl::Status ReadPiece(std::string_view piece);
  absl::Status ReadOrigin(std::string_view piece);
  absl::Status ReadEntry(std::string_view piece);
  absl::Status ReadEnd(std::string_view number);

  const Visit visit_;
  std::string rest_;    // the beginning of an incomplete piece
  uint64_t place_ = 0;  // position of `rest_` in the file
  OriginNumbers origins_;
  uint64_t origin_bytes_ = 0;
  uint64_t entries_ = 0;
  bool began_ = false;
  bool ended_ = false;
};

}  // namespace souvenir::cache
