#include "cache/disk/rocksdb_options.h"

#include <fmt/format.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <array>
#include <cstdarg>
#include <cstdio>

#include "cache/disk/page_cache_files.h"
#include "common/logging/logging.h"
#include "common/machine.h"

namespace souvenir::cache {
namespace {

constinit Logger log{"rocksdb"};
constinit LogLimit line_limit;

// Forwards RocksDB's log lines to our log. RocksDB could not write a log file of its own on a full
// disk, and would abort.
class LogForwarder final : public rocksdb::Logger {
 public:
  LogForwarder() : rocksdb::Logger(rocksdb::WARN_LEVEL) {}

  void LogHeader(const char*, va_list) override {}  // its options

  void Logv(rocksdb::InfoLogLevel level, const char* format, va_list arguments) override {
    if (level < GetInfoLogLevel()) return;
    std::array<char, 1024> line;
    std::vsnprintf(line.data(), line.size(), format, arguments);
    if (level == rocksdb::WARN_LEVEL) {
      log.Warning(line_limit, line.data());
    } else {
      log.Error(line_limit, line.data());
    }
  }
};

// Keeps RocksDB from retrying by itself after a failed write. It would go on with a file that must
// not be touched any more, and abort. SegmentStore::Resume() reopens the store instead.
class NoRetries final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

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

absl::Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = fmt::format("{}: {}", what, status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  return absl::UnavailableError(message);
}

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
  rocksdb::DBOptions options;
  options.env = PageCacheFiles();
  options.create_if_missing = true;
  options.max_total_wal_size = LogBytes(limit_bytes);
  options.max_background_jobs = 2;
  options.listeners = {std::make_shared<NoRetries>()};  // no retries on a full disk
  // The last reader of a dropped segment may be a thread that must not wait, so files are deleted
  // and buffers freed in the background.
  options.avoid_unnecessary_blocking_io = true;
  options.max_bgerror_resume_count = 0;  // no retries after other errors
  options.info_log = std::make_shared<LogForwarder>();
  options.max_open_files = MostOpenFiles(limit_bytes);
  // A torn record ends the log after a crash; all records before it are good.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  return options;
}

absl::Status OpenError(const rocksdb::Status& status, const std::string& directory) {
  // RocksDB's messages for a lock that another process, or this one, holds.
  const std::string text = status.ToString();
  if (text.find("While lock file") != std::string::npos ||
      text.find("lock hold by current process") != std::string::npos) {
    return absl::FailedPreconditionError(fmt::format(
        "{} is in use by another process; give each gateway a directory of its own with "
        "--data-dir",
        directory));
  }
  return FromRocks(status, fmt::format("cannot open the disk tier in {}", directory));
}

}  // namespace souvenir::cache
