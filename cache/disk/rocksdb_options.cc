#include "cache/disk/rocksdb_options.h"

#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>

#include "cache/disk/page_cache_files.h"
#include "common/logging/logging.h"
#include "common/machine.h"
#include "storage/rocksdb_base.h"

namespace souvenir::cache {
namespace {

constinit Logger log{"rocksdb"};

// Returns "all files", so that their filters and indexes stay in memory, if the process may have so
// many open. Otherwise returns a number, and RocksDB opens and closes files as it reads them.
int MostOpenFiles(uint64_t limit_bytes) {
  constexpr int kAll = -1;
  // Some files are written before their buffer is full. As many descriptors again are for
  // connections.
  const uint64_t wanted = 2 * (64 + 2 * limit_bytes / WriteBufferBytes(limit_bytes));
  const uint64_t allowed = OpenFileLimit();
  if (wanted <= allowed) return kAll;
  log.Warning(
      "the disk tier may not keep all its files open, and reads are slow: raise the limit "
      "of open files (LimitNOFILE= of systemd, ulimit -n)",
      {{"limit", allowed}, {"wanted", wanted}});
  return static_cast<int>(allowed / 2);
}

}  // namespace

uint64_t LogBytes(uint64_t limit_bytes) {
  return std::clamp<uint64_t>(limit_bytes / 16, 1u << 20, 128u << 20);
}

uint64_t WriteBufferBytes(uint64_t limit_bytes) {
  return std::clamp<uint64_t>(limit_bytes / 64, 1u << 20, 16u << 20);
}

rocksdb::ColumnFamilyOptions SegmentOptions(uint64_t write_buffer_bytes) {
  rocksdb::ColumnFamilyOptions options;
  constexpr int kNever = 1 << 30;
  options.disable_auto_compactions = true;
  options.level0_file_num_compaction_trigger = kNever;
  options.level0_slowdown_writes_trigger = kNever;
  options.level0_stop_writes_trigger = kNever;
  options.write_buffer_size = write_buffer_bytes;
  options.compression = rocksdb::kLZ4Compression;
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // No cache of blocks: neighbours in a block are unrelated, an entry that was read goes into the
  // memory tier, and the kernel caches the file.
  table.no_block_cache = true;
  // Filters and indexes stay in memory while their files are open, so that an absent key costs no
  // read.
  table.cache_index_and_filter_blocks = false;
  table.block_size = 4096;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

rocksdb::DBOptions StoreOptions(uint64_t limit_bytes) {
  rocksdb::DBOptions options = storage::BaseOptions();
  options.env = PageCacheFiles();
  options.max_total_wal_size = LogBytes(limit_bytes);
  options.max_background_jobs = 2;
  // The last reader of a dropped segment may be a thread that must not wait, so files are deleted
  // and buffers freed in the background.
  options.avoid_unnecessary_blocking_io = true;
  options.max_open_files = MostOpenFiles(limit_bytes);
  return options;
}

}  // namespace souvenir::cache
