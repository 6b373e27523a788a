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

}  // namespace souvenir
