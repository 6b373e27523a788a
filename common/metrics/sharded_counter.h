#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace souvenir {

// How many places a counter is spread over; threads are dealt out among them in turn.
inline constexpr size_t kCounterShards = 8;

// The place of the calling thread.
inline size_t CounterShard() {
  static std::atomic<size_t> next{0};
  thread_local const size_t shard = next.fetch_add(1, std::memory_order_relaxed) % kCounterShards;
  return shard;
}

// A number that only grows, cheap to add to from many threads at once: each adds in a cache line
// that it seldom shares. Thread-safe; a sum taken while others add is somewhere between before and
// after.
class ShardedCounter {
 public:
  void Add(uint64_t amount = 1) {
    shards_[CounterShard()].value.fetch_add(amount, std::memory_order_relaxed);
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
  std::array<Shard, kCounterShards> shards_;
};

}  // namespace souvenir
