#pragma once

#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

// The parts of RocksDB's options and errors that all stores of the project share. For .cc files of
// stores: other headers do not include it.

namespace souvenir::storage {

// Returns options for a store that must not abort the process: RocksDB's lines go to our log, no
// failed write is retried on a file that must not be touched again, and a log that a crash cut off
// is read up to there. The store is created if it is missing.
rocksdb::DBOptions BaseOptions();

inline rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// Maps a RocksDB status: DATA_LOSS for corruption, RESOURCE_EXHAUSTED for a full disk, UNAVAILABLE
// for any other error. The message begins with `what`.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view what);

// A store in messages.
struct StoreName {
  std::string_view what;     // "the disk tier"
  std::string_view setting;  // of its directory: "--data-dir"
};

// Same as FromRocks(), for a failed attempt to open a store, but FAILED_PRECONDITION if another
// process has it open.
absl::Status OpenError(const rocksdb::Status& status, const StoreName& name,
                       const std::string& directory);

}  // namespace souvenir::storage
