#pragma once

#include <functional>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace souvenir {

// Repeats work, such as polling, on a thread of its own.
//
// Thread-safe. Stop() waits for the work, so the work may block only as long as the owner can.
class PeriodicThread {
 public:
  // Does the work once, and returns the pause before the next time. Called on the thread.
  using Work = std::function<absl::Duration()>;

  // Set by code alone, so the bounds are the caller's to keep.
  struct Options {
    std::string name;  // name of the thread
    int nice = 0;      // nice value of the thread, 0 to 19
    // Shortest pause after a poke, so that frequent pokes do not keep the thread busy.
    absl::Duration least_pause = absl::ZeroDuration();
    Clock* clock = Clock::System();  // times the pauses; outlives the thread
  };

  // Starts the thread, which does the work at once.
  PeriodicThread(const Options& options, Work work);

  // Calls Stop().
  ~PeriodicThread();

  // Ends the present pause early. If the work is under way, shortens the next pause. Does nothing
  // once the thread was stopped.
  void Poke();

  // Makes the thread end after the work that is under way, without waiting for it. Idempotent.
  void RequestStop();

  // Calls RequestStop() and joins the thread. Idempotent. Must not be called by the work.
  void Stop();

 private:
  void Run();
  // Waits until the pause ends. Returns false if the thread must end.
  bool Pause(absl::Duration pause);

  const Options options_;
  const Work work_;

  Mutex mutex_;
  CondVar changed_;
  bool poked_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::thread thread_;
};

}  // namespace souvenir
