#pragma once

#include <functional>

namespace souvenir {

// Blocks the signals that end a service, in this thread and all it will start. Called first of all
// by main, before there is a second thread.
void BlockSignals();

// Waits for SIGTERM or SIGINT, then runs `stop` on another thread and returns when it has ended. A
// second signal meanwhile ends the process at once, with 128 + the signal's number.
// REQUIRES: BlockSignals() was called.
void RunUntilSignal(const std::function<void()>& stop);

}  // namespace souvenir
