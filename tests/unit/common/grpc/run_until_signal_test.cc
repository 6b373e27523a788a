#include "common/grpc/run_until_signal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>

#include "tests/fakes/manual_clock.h"

namespace souvenir {
namespace {

// Sends SIGTERM to this process. Returns when the signal has been taken.
void Signal() {
  kill(getpid(), SIGTERM);
  for (;;) {
    sigset_t pending;
    sigpending(&pending);
    if (sigismember(&pending, SIGTERM) == 0) return;
    usleep(100);
  }
}

// Runs a service until a signal, which is sent at once; `stop` stops the service. The process exits
// with 0 at the end.
[[noreturn]] void Serve(ManualClock* clock, const std::function<void()>& stop) {
  BlockSignals();
  kill(getpid(), SIGTERM);
  RunUntilSignal({.stop = stop, .reload = [] { return absl::OkStatus(); }}, clock);
  std::exit(0);
}

class RunUntilSignalDeathTest : public ::testing::Test {
 protected:
  RunUntilSignalDeathTest() { testing::FLAGS_gtest_death_test_style = "threadsafe"; }

  ManualClock clock_;
};

TEST_F(RunUntilSignalDeathTest, StopsAtASignal) {
  EXPECT_EXIT(Serve(&clock_, [] {}), ::testing::ExitedWithCode(0), "stopping");
}

TEST_F(RunUntilSignalDeathTest, SignalsOfTheFirstSecondAreThatOneSignal) {
  const auto stop = [this] {
    Signal();
    clock_.Advance(absl::Milliseconds(999));
    Signal();
  };
  EXPECT_EXIT(Serve(&clock_, stop), ::testing::ExitedWithCode(0), "stopping");
}

TEST_F(RunUntilSignalDeathTest, ASignalThatComesLaterEndsTheStopAtOnce) {
  const auto stop = [this] {
    Signal();
    clock_.Advance(absl::Seconds(1));
    Signal();
    for (;;) pause();
  };
  EXPECT_EXIT(Serve(&clock_, stop), ::testing::ExitedWithCode(128 + SIGTERM),
              "stopped at once by a second signal");
}

}  // namespace
}  // namespace souvenir
