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
// the service does not reach it, default signals, and no descriptor of the service but those it is
// given. One that still runs when this is destroyed is killed, with all of its group.
class ChildProcess {
 public:
  struct Options {
    std::string program;                           // path
    std::vector<std::string> arguments;            // after the program's name
    std::string directory;                         // to run in; empty: the service's
    std::vector<std::string> environment;          // "NAME=value", all of it
    int nice = 0;                                  // 0 to 19, added to the service's own
    std::vector<std::pair<int, int>> descriptors;  // the service's, and what they are there
  };

  // FAILED_PRECONDITION when the program cannot be run. What is not among `descriptors` of the
  // standard input, output and error is /dev/null.
  static absl::StatusOr<ChildProcess> Start(const Options& options);

  // The niceness, as setpriority() takes it, of a child that is to be nicer by `nice`.
  static int Niceness(int nice);

  ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  ChildProcess& operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ~ChildProcess() { Reap(); }

  pid_t pid() const { return pid_; }
  bool reaped() const { return pid_ == 0; }

  // Kills it and its group unless it has ended, and reaps it. How it ended, for a message.
  std::string Reap();

 private:
  explicit ChildProcess(pid_t pid) : pid_(pid) {}

  pid_t pid_;  // a child not reaped yet, so that the number is no other's; 0 afterwards
};

}  // namespace souvenir::compute
