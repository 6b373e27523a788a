#include "common/grpc/run_until_signal.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <ctime>
#include <string>
#include <thread>

#include "common/logging/logging.h"
#include "common/thread.h"

namespace souvenir {
namespace {

constinit Logger log{"main"};

// A signal that comes within this time after the first one is a repetition of it.
constexpr absl::Duration kRepetition = absl::Seconds(1);

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

// Returns true if the process has a controlling terminal. A process whose terminal was closed has
// none.
bool HasTerminal() {
  const int terminal = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) return false;
  close(terminal);
  return true;
}

// Set by BlockSignals(), because the terminal may be closed while the service starts. Constant once
// there are threads.
bool had_terminal = false;

int WaitForEnd(const sigset_t& signals, const std::function<absl::Status()>& reload) {
  for (;;) {
    int signal_number = 0;
    sigwait(&signals, &signal_number);
    if (signal_number != SIGHUP || (had_terminal && !HasTerminal())) return signal_number;
    if (const absl::Status status = reload(); status.ok()) {
      log.Info("the levels of logging were read again; other settings need a restart");
    } else {
      log.Error("the configuration could not be read again; no setting has changed",
                {{"reason", std::string(status.message())}});
    }
  }
}

}  // namespace

void BlockSignals() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  had_terminal = HasTerminal();
  // A peer that goes away is an error of write(), not the end of the process.
  signal(SIGPIPE, SIG_IGN);
}

void RunUntilSignal(const SignalActions& actions, const Clock* clock) {
  const sigset_t signals = Signals();
  int signal_number = WaitForEnd(signals, actions.reload);
  const absl::Duration first = clock->Monotonic();
  log.Info("stopping", {{"signal", sigdescr_np(signal_number)}});

  const pthread_t waiter = pthread_self();
  std::atomic<bool> stopped{false};
  std::thread stopper = StartThread("stop", [&] {
    actions.stop();
    stopped = true;
    // Ends the wait below; the signal is blocked, and ends no thread.
    pthread_kill(waiter, SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread)
  });
  do {
    sigwait(&signals, &signal_number);
  } while (!stopped && (signal_number == SIGHUP || clock->Monotonic() - first < kRepetition));
  if (!stopped) {
    log.Warning("stopped at once by a second signal", {{"signal", sigdescr_np(signal_number)}});
    _exit(128 + signal_number);
  }
  stopper.join();
}

}  // namespace souvenir
