#pragma once

#include <cstdint>
#include <string>

namespace souvenir {

// What this process may use of the machine it runs on.
struct Machine {
  int processors = 1;         // those it may run on, and no more than its cgroup grants; at least 1
  uint64_t memory_bytes = 0;  // of the machine, and no more than its cgroup grants; 0: not known
  double load = 0;            // the load average of the last minute
};

// Reads it from /proc and from version 2 of Linux's cgroups; what cannot be read is not limited.
// `root` stands before all paths, for tests.
Machine ReadMachine(const std::string& root = "");

// How many files, connections among them, this process may have open.
uint64_t OpenFileLimit();

// Raises that as far as the system lets it. The usual 1,024 are for programs that use select(2); no
// less is kept where it cannot be raised.
void RaiseOpenFileLimit();

}  // namespace souvenir
