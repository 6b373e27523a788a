#pragma once

#include <functional>

#include "absl/status/status.h"
#include "common/clock.h"

namespace souvenir {

// Blocks the signals that end a service, in this thread and all it will start, and takes note of
// the terminal that it was started in. Called first of all by main, before there is a second
// thread.
void BlockSignals();

struct SignalActions {
  std::function<void()> stop;
  std::function<absl::Status()> reload;  // reads again what may change while the service runs
};

// Waits for SIGTERM or SIGINT, then runs `stop` on another thread and returns when it has ended. A
// second signal meanwhile ends the process at once, with 128 + the signal's number; but signals of
// the first second (by `clock`) are repetitions of the first and change nothing, because shells and
// timeout(1) signal a process and then its whole group. SIGHUP runs `reload`; but where it comes
// because the terminal that the service was started in has been closed, it is as SIGTERM.
// REQUIRES: BlockSignals() was called.
void RunUntilSignal(const SignalActions& actions, const Clock* clock = Clock::System());

}  // namespace souvenir
