#pragma once

#include <memory>
#include <utility>

#include "common/mutex.h"

namespace souvenir {

// An immutable value that is replaced as a whole: readers keep the one they took for as long as
// they hold it. Thread-safe.
template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> value = nullptr) : value_(std::move(value)) {}

  std::shared_ptr<const T> Get() const {
    MutexLock lock(&mutex_);
    return value_;
  }

  void Set(std::shared_ptr<const T> value) {
    // Swapped, so that the old one is destroyed after the lock is released.
    MutexLock lock(&mutex_);
    value_.swap(value);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const T> value_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir
