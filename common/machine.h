#pragma once

#include <cstdint>
#include <string>

namespace souvenir {

// The resources of the machine that this process may use.
struct Machine {
  int processors = 1;         // usable processors, limited by affinity and cgroup; at least 1
  uint64_t memory_bytes = 0;  // memory of the machine, limited by the cgroup; 0 if unknown
  double load = 0;            // load average of the last minute
};

// Reads the machine from /proc and from version 2 of Linux's cgroups. A limit that cannot be read
// counts as absent. `root` is a prefix of all paths, for tests.
Machine ReadMachine(const std::string& root = "");

// Returns the number of files, connections included, that this process may have open.
uint64_t OpenFileLimit();

// Raises the limit of open files to the most that the system allows. The usual 1,024 exist for
// programs that use select(2). Keeps the present limit on failure.
void RaiseOpenFileLimit();

}  // namespace souvenir
