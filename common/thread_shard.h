#pragma once

#include <atomic>
#include <cstddef>

namespace souvenir {

// Over how many places what all threads write to is spread, a line of memory each.
inline constexpr size_t kThreadShards = 8;

// The place of the calling thread; threads are dealt out among them in turn.
inline size_t ThreadShard() {
  static std::atomic<size_t> next{0};
  thread_local const size_t shard = next.fetch_add(1, std::memory_order_relaxed) % kThreadShards;
  return shard;
}

}  // namespace souvenir
