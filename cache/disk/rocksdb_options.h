#pragma once

#include <rocksdb/cache.h>
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

// `log_bytes` of log at most, beyond which what it holds is written to tables.
rocksdb::DBOptions StoreOptions(uint64_t log_bytes);

// Of a segment that takes `segment_bytes`; all of them share `blocks`.
rocksdb::ColumnFamilyOptions SegmentOptions(uint64_t segment_bytes,
                                            const std::shared_ptr<rocksdb::Cache>& blocks);

inline rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

// DATA_LOSS for corruption, RESOURCE_EXHAUSTED for a full disk, else UNAVAILABLE.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view what);

// The same of an attempt to open; FAILED_PRECONDITION where another process has it open.
absl::Status OpenError(const rocksdb::Status& status, const std::string& directory);

}  // namespace souvenir::cache
