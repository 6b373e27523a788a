#pragma once

#include <rocksdb/options.h>

#include <cstdint>

// The options of the segment store's RocksDB.

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

}  // namespace souvenir::cache
