#pragma once

#include <rocksdb/env.h>

namespace souvenir::cache {

// Returns the system's files as a RocksDB environment with one extension: random reads can be told
// not to wait. They then read bytes that the kernel has in its page cache, and return an error for
// all others (preadv2(2), RWF_NOWAIT). So a thread that must not block can look for a record on
// disk. File systems without such reads (tmpfs) return an error for every one. The environment
// lives as long as the process.
rocksdb::Env* PageCacheFiles();

// While an object lives, reads by its thread from these files do not wait. They also fail above 64
// KiB, because reading a large value takes long even from memory.
class NoWaitingForDisk {
 public:
  NoWaitingForDisk();
  ~NoWaitingForDisk();
  NoWaitingForDisk(const NoWaitingForDisk&) = delete;
  NoWaitingForDisk& operator=(const NoWaitingForDisk&) = delete;
};

}  // namespace souvenir::cache
