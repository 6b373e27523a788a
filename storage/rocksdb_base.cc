#include "storage/rocksdb_base.h"

#include <fmt/format.h>
#include <rocksdb/listener.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <memory>

#include "common/logging/log_limit.h"
#include "common/logging/logging.h"

namespace souvenir::storage {
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
// not be touched any more, and abort. The store is reopened instead.
class NoRetries final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }
};

}  // namespace

rocksdb::DBOptions BaseOptions() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.listeners = {std::make_shared<NoRetries>()};  // no retries on a full disk
  options.max_bgerror_resume_count = 0;                 // no retries after other errors
  options.info_log = std::make_shared<LogForwarder>();
  // A torn record ends the log after a crash; all records before it are good.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  return options;
}

absl::Status FromRocks(const rocksdb::Status& status, std::string_view what) {
  if (status.ok()) return absl::OkStatus();
  const std::string message = fmt::format("{}: {}", what, status.ToString());
  if (status.IsCorruption()) return absl::DataLossError(message);
  if (status.IsNoSpace()) return absl::ResourceExhaustedError(message);
  return absl::UnavailableError(message);
}

absl::Status OpenError(const rocksdb::Status& status, const StoreName& name,
                       const std::string& directory) {
  // RocksDB's messages for a lock that another process, or this one, holds.
  const std::string text = status.ToString();
  if (text.find("While lock file") != std::string::npos ||
      text.find("lock hold by current process") != std::string::npos) {
    return absl::FailedPreconditionError(fmt::format(
        "{} is in use by another process; give each gateway a directory of its own with {}",
        directory, name.setting));
  }
  return FromRocks(status, fmt::format("cannot open {} in {}", name.what, directory));
}

}  // namespace souvenir::storage
