#pragma once

#include <functional>
#include <string>
#include <thread>

#include "absl/time/time.h"
#include "common/mutex.h"

namespace souvenir {

// Does the same work again and again, on a thread of its own: what polls.
//
// Thread-safe. The work may block for as long as its owner can wait in Stop().
class PeriodicThread {
 public:
  // Does the work once, and says how long to pause until the next time.
  using Work = std::function<absl::Duration()>;

  struct Options {
    std::string name;  // of the thread
    int nice = 0;      // 0 to 19
    // What a poke does not shorten a pause below: however often it comes, the work has an end.
    absl::Duration least_pause = absl::ZeroDuration();
  };

  // Begins at once.
  PeriodicThread(const Options& options, Work work);

  // As Stop().
  ~PeriodicThread();

  // Has the work done without waiting for the pause to end; once more after it where it is being
  // done now. Does nothing once it has been stopped.
  void Poke();

  // Ends after what is being done now, which it does not wait for. Idempotent.
  void RequestStop();

  // The same, and waits for it. Idempotent; not from the work itself.
  void Stop();

 private:
  void Run();
  // Waits for the pause to pass; false where there is no next time.
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
