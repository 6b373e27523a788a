#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "common/thread_shard.h"

namespace souvenir {

// A counter that many threads can add to cheaply: each adds in a cache line that it seldom shares.
// Thread-safe. A sum taken during additions may include any of them.
class ShardedCounter {
 public:
  void Add(uint64_t amount = 1) {
    shards_[ThreadShard()].value.fetch_add(amount, std::memory_order_relaxed);
  }

  uint64_t Sum() const {
    uint64_t sum = 0;
    for (const Shard& shard : shards_) sum += shard.value.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  struct alignas(64) Shard {
    std::atomic<uint64_t> value{0};
  };
  std::array<Shard, kThreadShards> shards_;
};

}  // namespace souvenir
