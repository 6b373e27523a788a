#pragma once

#include <sys/types.h>

#include <cstdint>

namespace souvenir::compute {

// The bytes that a process and its children have in memory: their proportional set sizes, by which
// what several processes share counts once (Linux, /proc/PID/smaps_rollup). 0 where that cannot be
// read.
uint64_t ProcessTreeMemory(pid_t pid);

}  // namespace souvenir::compute
