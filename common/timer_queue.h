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

// Calls callbacks at given times.
//
// Thread-safe. Callbacks run one after another on the queue's thread, outside its lock. They must
// be short and must not block. The clock must outlive the queue.
class TimerQueue {
 public:
  using Callback = absl::AnyInvocable<void() &&>;
  using Id = uint64_t;

  enum class Mode {
    kThread,  // a thread called "timers" runs due callbacks
    kManual,  // there is no thread; a test runs due callbacks with RunDue()
  };

  explicit TimerQueue(Clock* clock, Mode mode = Mode::kThread);

  // Drops pending callbacks, and waits for one that is running.
  ~TimerQueue();

  // Calls `callback` once clock->Monotonic() has reached `when`, or soon if that has passed, but
  // never from within Schedule(). Returns an id for Cancel(), which is never 0.
  Id Schedule(absl::Duration when, Callback callback);

  // Returns true if the callback will not run; false if it has run or is running.
  bool Cancel(Id id);

  // Runs all due callbacks on the calling thread.
  void RunDue();

 private:
  void Run();

  Clock* const clock_;

  Mutex mutex_;
  CondVar changed_;
  std::map<std::pair<absl::Duration, Id>, Callback> timers_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Id, absl::Duration> when_ ABSL_GUARDED_BY(mutex_);
  Id next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  // Monotonic time at which the thread wakes by itself; in the past while it is awake. A later
  // timer does not wake the thread. Most timers are deadlines, which are cancelled long before they
  // are due, and a wake-up for each would cost more than everything else.
  absl::Duration looks_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace souvenir
