#include "storage/store_check.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <rocksdb/db.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "common/read_file.h"
#include "storage/rocksdb_base.h"

extern char** environ;

namespace souvenir::storage {
namespace {

constexpr std::string_view kFlag = "--check_store=";
constexpr int kDamaged = 65;  // EX_DATAERR of sysexits.h

// Opens the store read-only, so that it stays unchanged. That checks the manifest, the log, and the
// footer, index and filter of every file. Blocks of records are checked when they are read.
int Check(const std::string& directory) {
  rocksdb::DBOptions options = BaseOptions();
  options.create_if_missing = false;
  std::vector<std::string> names;
  if (!rocksdb::DB::ListColumnFamilies(options, directory, &names).ok()) {
    // There is no store, or its list of column families is unreadable.
    std::error_code none;
    return std::filesystem::exists(directory + "/CURRENT", none) ? kDamaged : 0;
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.reserve(names.size());
  for (const std::string& name : names) families.emplace_back(name, rocksdb::ColumnFamilyOptions());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      rocksdb::DB::OpenForReadOnly(options, directory, families, &handles, &db);
  if (opened.ok()) {
    for (rocksdb::ColumnFamilyHandle* const handle : handles) db->DestroyColumnFamilyHandle(handle);
    delete db;
    return 0;
  }
  fmt::print(stderr, "{}\n", opened.ToString());
  return opened.IsCorruption() || opened.IsPathNotFound() || opened.IsNotFound() ? kDamaged : 0;
}

}  // namespace

std::optional<int> RunAsStoreCheck(int argc, const char* const* argv) {
  if (argc != 2 || !std::string_view(argv[1]).starts_with(kFlag)) return std::nullopt;
  return Check(std::string(std::string_view(argv[1]).substr(kFlag.size())));
}

absl::Status CheckStore(const std::string& program, const std::string& directory) {
  std::error_code none;
  if (!std::filesystem::exists(directory, none)) return absl::OkStatus();
  // RocksDB would open a FIFO, too, and wait for ever.
  const absl::Status current = OpenRegularFile(directory + "/CURRENT").status();
  if (absl::IsFailedPrecondition(current)) return absl::DataLossError(current.message());
  if (program.empty()) return absl::OkStatus();

  const std::string flag = std::string(kFlag) + directory;
  const std::vector<const char*> arguments = {program.c_str(), flag.c_str(), nullptr};
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  // A message of an abort would look like one of this process.
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t unblocked;
  sigemptyset(&unblocked);
  posix_spawnattr_setsigmask(&attributes, &unblocked);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child = 0;
  const int failed = posix_spawn(&child, program.c_str(), &files, &attributes,
                                 const_cast<char* const*>(arguments.data()), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) return absl::OkStatus();

  int state = 0;
  while (waitpid(child, &state, 0) < 0) {
    if (errno != EINTR) return absl::OkStatus();
  }
  if (WIFSIGNALED(state)) {
    return absl::DataLossError(
        fmt::format("RocksDB ended with signal {} on opening it", WTERMSIG(state)));
  }
  if (WIFEXITED(state) && WEXITSTATUS(state) == kDamaged) {
    return absl::DataLossError("RocksDB finds it corrupt");
  }
  return absl::OkStatus();
}

absl::Status MoveAside(const std::string& directory) {
  const std::string aside = directory + ".damaged";
  std::error_code error;
  std::filesystem::remove_all(aside, error);
  std::filesystem::rename(directory, aside, error);
  if (!error) return absl::OkStatus();
  return absl::ErrnoToStatus(
      error.value(), fmt::format("cannot move the damaged store {} out of the way", directory));
}

}  // namespace souvenir::storage
