#include "cache/origin_pool.h"

#include <algorithm>
#include <string_view>

#include "absl/hash/hash.h"

namespace souvenir::cache {

size_t OriginPool::Hash::operator()(const OriginPtr& origin) const {
  const Origin::Fields& fields = origin->fields();
  return absl::HashOf(std::string_view(fields.tenant), std::string_view(fields.model),
                      std::string_view(fields.version), std::string_view(fields.digest));
}

OriginPtr OriginPool::Find(const OriginPtr& origin) {
  MutexLock lock(&mutex_);
  const auto found = origins_.find(origin);
  if (found != origins_.end()) return *found;
  if (origins_.size() >= sweep_at_) SweepLocked();
  origins_.insert(origin);
  return origin;
}

void OriginPool::Sweep() {
  MutexLock lock(&mutex_);
  SweepLocked();
}

// A reference to a unique object can only come from Find(), which needs the lock, so the object
// stays unique here. An origin's destructor calls nothing back.
void OriginPool::SweepLocked() {
  absl::erase_if(origins_, [](const OriginPtr& origin) { return origin->is_unique(); });
  if (origins_.capacity() > 4 * std::max(origins_.size(), kLeast)) origins_.rehash(0);
  sweep_at_ = std::max(kLeast, 2 * origins_.size());
}

bool OriginPool::HasHeld(absl::FunctionRef<bool(const Origin&)> matches) const {
  MutexLock lock(&mutex_);
  return std::any_of(origins_.begin(), origins_.end(), [&](const OriginPtr& origin) {
    return origin->is_held() && matches(*origin);
  });
}

size_t OriginPool::size() const {
  MutexLock lock(&mutex_);
  return origins_.size();
}

}  // namespace souvenir::cache
