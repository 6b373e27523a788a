#pragma once

#include <atomic>
#include <cstddef>

namespace souvenir {

// Number of copies of data that all threads write to, each in a cache line of its own.
inline constexpr size_t kThreadShards = 8;

// Returns the index of the calling thread's copy. Indexes are assigned to threads in turn.
inline size_t ThreadShard() {
  static std::atomic<size_t> next{0};
  thread_local const size_t shard = next.fetch_add(1, std::memory_order_relaxed) % kThreadShards;
  return shard;
}

}  // namespace souvenir
