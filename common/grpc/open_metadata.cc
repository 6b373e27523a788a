#include "common/grpc/open_metadata.h"

namespace souvenir {

bool OpenMetadata::Add(const void* connection, uint32_t stream, uint32_t bytes) {
  MutexLock lock(&mutex_);
  of_calls_[{connection, stream}] += bytes;
  calls_ = of_calls_.size();
  uint64_t& held = of_connections_[connection];
  held += bytes;
  return held <= most_bytes_.load(std::memory_order_relaxed);
}

void OpenMetadata::Remove(const void* connection, uint32_t stream) {
  if (calls_.load(std::memory_order_relaxed) == 0) return;
  MutexLock lock(&mutex_);
  const auto call = of_calls_.find({connection, stream});
  if (call == of_calls_.end()) return;
  const auto held = of_connections_.find(connection);
  held->second -= call->second;
  if (held->second == 0) of_connections_.erase(held);
  of_calls_.erase(call);
  calls_ = of_calls_.size();
}

uint64_t OpenMetadata::bytes(const void* connection) const {
  MutexLock lock(&mutex_);
  const auto held = of_connections_.find(connection);
  return held != of_connections_.end() ? held->second : 0;
}

}  // namespace souvenir
