#pragma once

#include <array>
#include <memory>
#include <utility>

#include "common/mutex.h"
#include "common/thread_shard.h"

namespace souvenir {

// An immutable value that is replaced as a whole: readers keep the one they took for as long as
// they hold it. Thread-safe.
//
// Read on every request: there is a copy of the pointer for each shard of threads, with a lock and
// a count of references of its own, so that threads do not wait for each other. Set() is slower for
// it.
template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> value = nullptr) { Set(std::move(value)); }

  std::shared_ptr<const T> Get() const {
    const Shard& shard = shards_[ThreadShard()];
    MutexLock lock(&shard.mutex);
    return shard.value;
  }

  // Two at once may leave some threads with one value and some with the other.
  void Set(std::shared_ptr<const T> value) {
    for (Shard& shard : shards_) {
      // An owner in between, because copies of one pointer share its count.
      auto owner = std::make_shared<const std::shared_ptr<const T>>(value);
      const T* const object = owner->get();
      std::shared_ptr<const T> copy(std::move(owner), object);
      // Swapped, so that the old value is destroyed after the lock is released.
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
