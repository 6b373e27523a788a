#pragma once

#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

// The options of the segment store's RocksDB, and the mapping of its errors to ours.

namespace souvenir::cache {

// Returns the options of a store of `limit_bytes`.
rocksdb::DBOptions StoreOptions(uint64_t limit_bytes);

// Returns the maximum size of the write-ahead log in a store of `limit_bytes`. RocksDB writes older
// records to tables once the log is larger.
uint64_t LogBytes(uint64_t limit_bytes);

// Returns the size of the buffer that holds a segment's records in a store of `limit_bytes` before
// they go to a file. Files are as large as the buffer. A large buffer makes few files, which keeps
// lookups cheap, because a key is looked for in each file of a segment; but it must fit into
// memory.
uint64_t WriteBufferBytes(uint64_t limit_bytes);

rocksdb::ColumnFamilyOptions SegmentOptions(uint64_t write_buffer_bytes);

inline rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

// Maps a RocksDB status: DATA_LOSS for corruption, RESOURCE_EXHAUSTED for a full disk, UNAVAILABLE
// for any other error. The message begins with `what`.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view what);

// Same as FromRocks(), for a failed attempt to open a store, but FAILED_PRECONDITION if another
// process has it open.
absl::Status OpenError(const rocksdb::Status& status, const std::string& directory);

}  // namespace souvenir::cache
