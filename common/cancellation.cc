#include "common/cancellation.h"

#include <sys/eventfd.h>

namespace souvenir {

void Cancellation::Cancel() {
  MutexLock lock(&mutex_);
  if (cancelled_.exchange(true)) return;
  if (event_) (void)eventfd_write(event_.get(), 1);
}

int Cancellation::fd() const {
  MutexLock lock(&mutex_);
  if (!event_) event_ = UniqueFd(eventfd(cancelled_ ? 1 : 0, EFD_CLOEXEC | EFD_NONBLOCK));
  return event_.get();
}

}  // namespace souvenir
