#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace souvenir {

// Calls back when a moment has come.
//
// Thread-safe. Callbacks run one after another on the queue's own thread, outside its lock: they
// must be short and must not block. The clock must outlive the queue.
class TimerQueue {
 public:
  using Callback = absl::AnyInvocable<void() &&>;
  using Id = uint64_t;

  enum class Mode {
    kThread,  // a thread named "timers" fires what is due
    kManual,  // no thread: a test fires what is due with RunDue()
  };

  explicit TimerQueue(Clock* clock, Mode mode = Mode::kThread);

  // Drops what has not fired; waits for a callback that is running.
  ~TimerQueue();

  // Calls `callback` once clock->Monotonic() has reached `when`; at once when it is past already.
  Id Schedule(absl::Duration when, Callback callback);

  // True when the callback will not run; false when it ran, or is running now, on the queue's
  // thread.
  bool Cancel(Id id);

  // Fires, on the calling thread, all that is due.
  void RunDue();

 private:
  void Run();

  Clock* const clock_;

  Mutex mutex_;
  CondVar changed_;
  std::map<std::pair<absl::Duration, Id>, Callback> timers_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Id, absl::Duration> when_ ABSL_GUARDED_BY(mutex_);
  Id next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  // When the thread looks by itself what is due; past while it is looking. Where most timers are
  // cancelled long before they are due, as deadlines are, waking it for each would cost more than
  // all the rest.
  absl::Duration looks_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace souvenir
