#pragma once

#include <atomic>

#include "common/mutex.h"
#include "common/unique_fd.h"

namespace souvenir {

// Tells work that blocks to give up. It is cancelled once, for good.
//
// Owned by the component that may give the work up; must outlive the work. Thread-safe. The work
// checks cancelled(), or includes fd() in its poll():
//
//   pollfd waited[] = {{socket, POLLIN, 0}, {cancellation->fd(), POLLIN, 0}};
class Cancellation {
 public:
  void Cancel();

  bool cancelled() const { return cancelled_; }

  // Returns a descriptor that is readable once this is cancelled, for poll(). It is created by the
  // first call, because most models are never loaded. Returns -1, which poll() passes over, if the
  // process has no descriptor left.
  int fd() const;

 private:
  std::atomic<bool> cancelled_{false};
  mutable Mutex mutex_;
  mutable UniqueFd event_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir
