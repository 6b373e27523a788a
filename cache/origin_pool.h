#pragma once

#include <cstddef>

#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "cache/entry.h"
#include "common/mutex.h"

namespace souvenir::cache {

// Keeps one object for equal origins while it is in use outside the pool. Each question of a tenant
// makes an origin, and tenants come and go. Find() drops unused objects from time to time, so that
// the pool holds at most max(kLeast, twice the objects in use at the last sweep). Thread-safe.
class OriginPool {
 public:
  static constexpr size_t kLeast = 1024;

  // Returns the pool's object that equals `origin`. Adds `origin` if there is none.
  OriginPtr Find(const OriginPtr& origin);

  // Drops the objects that are not used outside the pool.
  void Sweep();

  // Returns true if `matches` is true of an origin that has entries in the memory tier. Looks at
  // all origins under the lock.
  bool HasHeld(absl::FunctionRef<bool(const Origin&)> matches) const;

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
