#include "gateway/resolve/refresh_log.h"

#include <random>

namespace souvenir::gateway {
namespace {

constexpr size_t kMostFailures = 4096;

}  // namespace

bool RefreshLog::MayTry(const cache::Fingerprint& key, absl::Duration now) {
  MutexLock lock(&mutex_);
  const auto found = failed_at_.find(key);
  if (found == failed_at_.end()) return true;
  if (now - found->second < kPause) return false;
  failed_at_.erase(found);
  return true;
}

void RefreshLog::Failed(const cache::Fingerprint& key, absl::Duration now) {
  MutexLock lock(&mutex_);
  if (failed_at_.size() >= kMostFailures) {
    absl::erase_if(failed_at_, [now](const auto& item) { return now - item.second >= kPause; });
  }
  // A failure that finds no room is forgotten, which costs one more try.
  if (failed_at_.size() < kMostFailures) failed_at_[key] = now;
}

double UniformNumber() {
  thread_local std::minstd_rand random{std::random_device{}()};
  return static_cast<double>(random()) / static_cast<double>(std::minstd_rand::max());
}

}  // namespace souvenir::gateway
