#include "common/periodic_thread.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/fakes/manual_clock.h"

namespace souvenir {
namespace {

// Waits until `count` has reached `least`. The timeout of ctest bounds the wait.
void WaitFor(const std::atomic<int>& count, int least) {
  while (count < least) std::this_thread::yield();
}

TEST(PeriodicThreadTest, DoesItsWorkAgainAfterThePauseItAskedFor) {
  std::atomic<int> times{0};
  PeriodicThread thread({.name = "test"}, [&] {
    ++times;
    return absl::Milliseconds(1);
  });
  WaitFor(times, 3);
}

TEST(PeriodicThreadTest, PausesByItsClock) {
  ManualClock clock;
  std::atomic<int> times{0};
  PeriodicThread thread({.name = "test", .clock = &clock}, [&] {
    ++times;
    return absl::Hours(1);
  });
  WaitFor(times, 1);
  while (times < 2) clock.Advance(absl::Minutes(1));
}

TEST(PeriodicThreadTest, APokeEndsAPause) {
  std::atomic<int> times{0};
  PeriodicThread thread({.name = "test"}, [&] {
    ++times;
    return absl::Hours(1);
  });
  WaitFor(times, 1);
  thread.Poke();
  WaitFor(times, 2);
  thread.Stop();
  thread.Poke();
  thread.Stop();
  EXPECT_EQ(times, 2);
}

TEST(PeriodicThreadTest, APokeDuringTheWorkHasItDoneOnceMore) {
  std::atomic<int> times{0};
  PeriodicThread* self = nullptr;
  std::atomic<bool> known{false};
  PeriodicThread thread({.name = "test"}, [&] {
    while (!known) std::this_thread::yield();
    if (++times == 1) self->Poke();
    return absl::Hours(1);
  });
  self = &thread;
  known = true;
  WaitFor(times, 2);
}

TEST(PeriodicThreadTest, HoweverOftenItIsPokedThereIsAPause) {
  std::atomic<int> times{0};
  PeriodicThread thread({.name = "test", .least_pause = absl::Hours(1)}, [&] {
    ++times;
    return absl::Hours(2);
  });
  WaitFor(times, 1);
  for (int i = 0; i < 1000; ++i) thread.Poke();
  thread.Stop();
  EXPECT_EQ(times, 1);
}

}  // namespace
}  // namespace souvenir
