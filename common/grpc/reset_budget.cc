#include "common/grpc/reset_budget.h"

#include <algorithm>

namespace souvenir {
namespace {

constexpr size_t kLeastSweep = 1024;

}  // namespace

void ResetBudget::Begin(const void* connection, bool counted) {
  MutexLock lock(&mutex_);
  buckets_.erase(connection);
  overdrawn_.erase(connection);
  overdrawn_count_ = overdrawn_.size();
  if (counted) {
    not_counted_.erase(connection);
  } else {
    not_counted_.insert(connection);
  }
}

bool ResetBudget::Take(const void* connection, absl::Duration now, double resets) {
  MutexLock lock(&mutex_);
  if (not_counted_.contains(connection)) return true;
  const double per_second = per_second_;
  const double most = per_second * kSecondsHeld;
  const auto left = [&](const Bucket& bucket) {
    return std::min(most, bucket.left + absl::ToDoubleSeconds(now - bucket.at) * per_second);
  };
  if (buckets_.size() >= sweep_at_) {
    // A bucket that is full again is the same as no bucket.
    absl::erase_if(buckets_, [&](const auto& entry) { return left(entry.second) >= most; });
    sweep_at_ = std::max(kLeastSweep, 2 * buckets_.size());
  }
  Bucket& bucket = buckets_.try_emplace(connection, Bucket{most, now}).first->second;
  bucket = {left(bucket), now};
  if (bucket.left < resets) return false;
  bucket.left -= resets;
  return true;
}

void ResetBudget::Overdraw(const void* connection) {
  MutexLock lock(&mutex_);
  overdrawn_.insert(connection);
  overdrawn_count_ = overdrawn_.size();
}

bool ResetBudget::TakeOverdrawn(const void* connection) {
  if (overdrawn_count_.load(std::memory_order_relaxed) == 0) return false;
  MutexLock lock(&mutex_);
  const bool taken = overdrawn_.erase(connection) > 0;
  overdrawn_count_ = overdrawn_.size();
  return taken;
}

void ResetBudget::SetRate(uint32_t per_second) {
  MutexLock lock(&mutex_);
  per_second_ = per_second;
}

size_t ResetBudget::connections() const {
  MutexLock lock(&mutex_);
  return buckets_.size();
}

}  // namespace souvenir
