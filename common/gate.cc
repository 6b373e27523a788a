#include "common/gate.h"

#include <cstdio>
#include <cstdlib>

namespace souvenir {

Gate::~Gate() {
  // A pass that is left would write to the gate after its end.
  if (inside() > 0) {
    (void)std::fputs("a gate is destroyed while somebody is inside\n", stderr);
    std::abort();
  }
}

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

void Gate::WaitUntilEmpty() { (void)WaitUntilEmpty(*Clock::System(), absl::InfiniteDuration()); }

bool Gate::WaitUntilEmpty(const Clock& clock, absl::Duration deadline) {
  // Waiting for one shard after the other is enough, because nothing enters any more.
  for (Shard& shard : shards_) {
    MutexLock lock(&shard.mutex);
    while (shard.inside > 0) {
      if (!shard.emptied.WaitUntil(&shard.mutex, clock, deadline)) return false;
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
