#include "common/gate.h"

#include <algorithm>
#include <chrono>

namespace souvenir {

std::optional<Gate::Pass> Gate::Enter() {
  Shard& shard = shards_[ThreadShard()];
  MutexLock lock(&shard.mutex);
  if (shard.closed) return std::nullopt;
  ++shard.inside;
  return Pass(&shard);
}

void Gate::Close() {
  for (Shard& shard : shards_) {
    MutexLock lock(&shard.mutex);
    shard.closed = true;
  }
}

void Gate::Open() {
  for (Shard& shard : shards_) {
    MutexLock lock(&shard.mutex);
    shard.closed = false;
  }
}

bool Gate::WaitUntilEmpty(absl::Duration timeout) {
  // An infinite timeout would overflow the clock.
  constexpr absl::Duration kForever = absl::Hours(24 * 365);
  const auto end =
      std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(std::min(timeout, kForever));
  // Waiting for one shard after the other is enough, because nothing enters any more.
  for (Shard& shard : shards_) {
    MutexLock lock(&shard.mutex);
    while (shard.inside > 0) {
      const auto left = end - std::chrono::steady_clock::now();
      if (left <= left.zero()) return false;
      shard.emptied.WaitFor(&shard.mutex, left);
    }
  }
  return true;
}

size_t Gate::inside() const {
  size_t inside = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(&shard.mutex);
    inside += shard.inside;
  }
  return inside;
}

void Gate::Shard::Leave() {
  MutexLock lock(&mutex);
  // Notified under the lock: the waiter may destroy the gate as soon as it sees zero.
  if (--inside == 0 && closed) emptied.NotifyAll();
}

}  // namespace souvenir
