#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace souvenir::compute {

// A process that runs a program for this service.
//
// Moved, not shared; not thread-safe. It has a process group of its own, so that a Ctrl-C meant for
// the service does not reach it, default signals, and only those descriptors of the service that it
// is given. The destructor kills a process that still runs, with all of its group.
class ChildProcess {
 public:
  struct Options {
    std::string program;                           // path
    std::vector<std::string> arguments;            // after the program's name
    std::string directory;                         // working directory; empty means the service's
    std::vector<std::string> environment;          // complete, as "NAME=value"
    int nice = 0;                                  // 0 to 19, added to the service's own
    std::vector<std::pair<int, int>> descriptors;  // in the service, and its number in the child
  };

  // FAILED_PRECONDITION if the program cannot be run. Standard input, output and error are
  // /dev/null, unless they are among `descriptors`.
  static absl::StatusOr<ChildProcess> Start(const Options& options);

  // Returns the niceness, for setpriority(), of a child that is nicer by `nice` than the service.
  static int Niceness(int nice);

  ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ~ChildProcess() { Reap(); }

  pid_t pid() const { return pid_; }
  bool reaped() const { return pid_ == 0; }

  // Kills the process and its group, unless it has ended, and reaps it. Returns how it ended, for a
  // message.
  std::string Reap();

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}

  pid_t pid_;  // not reaped yet, so that no other process has the number; 0 after Reap()
};

}  // namespace souvenir::compute
