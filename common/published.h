#pragma once

#include <array>
#include <memory>
#include <utility>

#include "common/mutex.h"
#include "common/thread_shard.h"

namespace souvenir {

// An immutable value that is replaced as a whole. A value lives as long as a reader holds it.
// Thread-safe.
//
// It is made for values that every request reads. Each shard of threads has a copy of the pointer
// with a lock and a reference count of its own, so that readers do not contend. Set() is slower in
// return.
template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> value = nullptr) { Set(std::move(value)); }

  std::shared_ptr<const T> Get() const {
    const Shard& shard = shards_[ThreadShard()];
    MutexLock lock(&shard.mutex);
    return shard.value;
  }

  // Replaces the value. Concurrent calls may leave different values in different shards.
  void Set(std::shared_ptr<const T> value) {
    for (Shard& shard : shards_) {
      // Copies of a shared_ptr share its reference count. A separate owner per shard avoids that.
      auto owner = std::make_shared<const std::shared_ptr<const T>>(value);
      const T* const object = owner->get();
      std::shared_ptr<const T> copy(std::move(owner), object);
      // The swap makes the old value be destroyed after the lock is released.
      MutexLock lock(&shard.mutex);
      shard.value.swap(copy);
    }
  }

 private:
  struct alignas(64) Shard {
    mutable Mutex mutex;
    std::shared_ptr<const T> value ABSL_GUARDED_BY(mutex);
  };
  std::array<Shard, kThreadShards> shards_;
};

}  // namespace souvenir
