#pragma once

#include <sys/types.h>

#include <cstdint>

namespace souvenir::compute {

// Returns the memory of a process and its children in bytes: the sum of their proportional set
// sizes, which count shared memory once (Linux, /proc/PID/smaps_rollup). Returns 0 if that cannot
// be read.
uint64_t ProcessTreeMemory(pid_t pid);

}  // namespace souvenir::compute
