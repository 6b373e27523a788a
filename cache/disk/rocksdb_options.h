#pragma once

#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

// How the segment store sets RocksDB up, and RocksDB's words in ours.

namespace souvenir::cache {

// Of a store of `limit_bytes`.
rocksdb::DBOptions StoreOptions(uint64_t limit_bytes);

// The most that the log of a store of `limit_bytes` takes of them; what is beyond that is written
// to tables.
uint64_t LogBytes(uint64_t limit_bytes);

// Of a store of `limit_bytes`: records in memory before they go to a file. Files are as large as
// the buffer: few, because a key is looked for in each of a segment, but no larger than what memory
// there is to spare.
uint64_t WriteBufferBytes(uint64_t limit_bytes);

rocksdb::ColumnFamilyOptions SegmentOptions(uint64_t write_buffer_bytes);

inline rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

// DATA_LOSS for corruption, RESOURCE_EXHAUSTED for a full disk, else UNAVAILABLE.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view what);

// The same of an attempt to open; FAILED_PRECONDITION where another process has it open.
absl::Status OpenError(const rocksdb::Status& status, const std::string& directory);

}  // namespace souvenir::cache
