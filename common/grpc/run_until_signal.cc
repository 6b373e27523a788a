#include "common/grpc/run_until_signal.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <ctime>
#include <thread>

#include "common/logging/logging.h"
#include "common/thread.h"

namespace souvenir {
namespace {

constinit Logger log{"main"};

sigset_t EndingSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

}  // namespace

void BlockSignals() {
  const sigset_t signals = EndingSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  // A peer that goes away is an error of write(), not the end of the process.
  signal(SIGPIPE, SIG_IGN);
}

void RunUntilSignal(const std::function<void()>& stop) {
  sigset_t signals = EndingSignals();
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  log.Info("stopping", {{"signal", sigdescr_np(signal_number)}});

  const pthread_t waiter = pthread_self();
  std::atomic<bool> stopped{false};
  std::thread stopper = StartThread("stop", [&] {
    stop();
    stopped = true;
    // Ends the wait below; the signal is blocked, and ends no thread.
    pthread_kill(waiter, SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread)
  });
  sigwait(&signals, &signal_number);
  if (!stopped) {
    log.Warning("stopped at once by a second signal", {{"signal", sigdescr_np(signal_number)}});
    _exit(128 + signal_number);
  }
  stopper.join();
}

}  // namespace souvenir
