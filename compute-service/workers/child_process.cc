#include "compute-service/workers/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "compute-service/workers/worker_protocol.h"

namespace souvenir::compute {
namespace {

// Owns the attributes and file actions of a spawn.
class SpawnSettings {
 public:
  explicit SpawnSettings(const ChildProcess::Options& options) {
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes_, &signals);
    if (!options.directory.empty()) {
      posix_spawn_file_actions_addchdir_np(&actions_, options.directory.c_str());
    }
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      posix_spawn_file_actions_addopen(&actions_, standard, "/dev/null", O_RDWR, 0);
    }
    int highest = STDERR_FILENO;
    for (const auto& [ours, its] : options.descriptors) {
      posix_spawn_file_actions_adddup2(&actions_, ours, its);
      highest = std::max(highest, its);
    }
    posix_spawn_file_actions_addclosefrom_np(&actions_, highest + 1);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  const posix_spawnattr_t* attributes() const { return &attributes_; }
  const posix_spawn_file_actions_t* actions() const { return &actions_; }

 private:
  posix_spawnattr_t attributes_;
  posix_spawn_file_actions_t actions_;
};

// Returns the argument for execve(), with pointers into the strings.
std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& string : strings) pointers.push_back(const_cast<char*>(string.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

absl::StatusOr<ChildProcess> ChildProcess::Start(const Options& options) {
  std::vector<std::string> arguments = {options.program};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  pid_t pid;
  const SpawnSettings settings(options);
  const int error =
      posix_spawn(&pid, options.program.c_str(), settings.actions(), settings.attributes(),
                  Pointers(arguments).data(), Pointers(options.environment).data());
  if (error != 0) {
    return absl::FailedPreconditionError(
        fmt::format("cannot run {}: {}", options.program, std::generic_category().message(error)));
  }
  if (options.nice > 0) {
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(pid), Niceness(options.nice));
  }
  return ChildProcess(pid);
}

int ChildProcess::Niceness(int nice) {
  // Relative to the main thread, because the calling thread may be nicer already.
  return getpriority(PRIO_PROCESS, static_cast<id_t>(getpid())) + nice;
}

std::string ChildProcess::Reap() {
  if (pid_ == 0) return "ended before";
  int status = 0;
  pid_t reaped;
  // A process that has ended already keeps its own exit status.
  (void)kill(-pid_, SIGKILL);
  do {
    reaped = waitpid(pid_, &status, 0);
  } while (reaped < 0 && errno == EINTR);
  pid_ = 0;
  return reaped < 0 ? "unknown end" : DescribeExit(status);
}

}  // namespace souvenir::compute
