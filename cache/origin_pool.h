#pragma once

#include <cstddef>

#include "absl/container/flat_hash_set.h"
#include "cache/entry.h"
#include "common/mutex.h"

namespace souvenir::cache {

// Has one object for equal origins, as long as somebody else has it: tenants come and go, and each
// question of a tenant makes an origin. What nobody uses any more is dropped as others come, so
// that there are at most twice as many as are in use, and kLeast. Thread-safe.
class OriginPool {
 public:
  static constexpr size_t kLeast = 1024;

  // The one that is equal to `origin`: that which is there, or `origin` itself from now on.
  OriginPtr Find(const OriginPtr& origin);

  // Drops what nobody uses.
  void Sweep();

  size_t size() const;

 private:
  struct Hash {
    size_t operator()(const OriginPtr& origin) const;
  };
  struct Equal {
    bool operator()(const OriginPtr& a, const OriginPtr& b) const {
      return a->fields() == b->fields();
    }
  };
  using Set = absl::flat_hash_set<OriginPtr, Hash, Equal>;

  void SweepLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  Set origins_ ABSL_GUARDED_BY(mutex_);
  size_t sweep_at_ ABSL_GUARDED_BY(mutex_) = kLeast;
};

}  // namespace souvenir::cache
