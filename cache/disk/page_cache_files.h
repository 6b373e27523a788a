#pragma once

#include <rocksdb/env.h>

namespace souvenir::cache {

// The system's files for RocksDB, of which those for random reads can be told not to wait: what the
// operating system still has of a file in its page cache is read on the spot, and anything else is
// an error. So a thread that must not block can look for a record that is "on disk" (preadv2(2),
// RWF_NOWAIT). On file systems that know no such read (tmpfs), every one of them is an error.
// The environment lives as long as the process.
rocksdb::Env* PageCacheFiles();

// While one lives, reads by this thread from these files do not wait. They do not read much at
// once, either: a large value would take its time even from memory.
class NoWaitingForDisk {
 public:
  NoWaitingForDisk();
  ~NoWaitingForDisk();
  NoWaitingForDisk(const NoWaitingForDisk&) = delete;
  NoWaitingForDisk& operator=(const NoWaitingForDisk&) = delete;
};

}  // namespace souvenir::cache
