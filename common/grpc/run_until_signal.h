#pragma once

#include <functional>

#include "absl/status/status.h"
#include "common/clock.h"

namespace souvenir {

// Blocks the signals of RunUntilSignal() in this thread and in all threads that it starts later,
// ignores SIGPIPE, and notes whether the process has a terminal. main calls it first, before there
// is a second thread.
void BlockSignals();

struct SignalActions {
  std::function<void()> stop;
  std::function<absl::Status()> reload;  // reads again what may change while the service runs
};

// Waits for SIGTERM or SIGINT, then runs `stop` on another thread and returns when it has ended. A
// second SIGTERM or SIGINT meanwhile ends the process at once, with 128 + the signal's number.
// Signals in the first second (by `clock`) are ignored as repetitions, because shells and
// timeout(1) signal a process and then its whole group. SIGHUP runs `reload`, unless the terminal
// that the service was started in has been closed; then it means the same as SIGTERM. REQUIRES:
// BlockSignals() was called.
void RunUntilSignal(const SignalActions& actions, const Clock* clock = Clock::System());

}  // namespace souvenir
