#include "common/timer_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <vector>

#include "tests/fakes/manual_clock.h"

namespace souvenir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TimerQueueTest : public ::testing::Test {
 protected:
  TimerQueue::Id At(int seconds, int number) {
    return timers_.Schedule(start_ + absl::Seconds(seconds),
                            [this, number] { fired_.push_back(number); });
  }
  void Pass(int seconds) {
    clock_.Advance(absl::Seconds(seconds));
    timers_.RunDue();
  }

  ManualClock clock_;
  const absl::Duration start_ = clock_.Monotonic();
  TimerQueue timers_{&clock_, TimerQueue::Mode::kManual};
  std::vector<int> fired_;
};

TEST_F(TimerQueueTest, FiresInTheOrderOfTimeAndThenOfComing) {
  At(3, 3);
  At(1, 1);
  At(2, 20);
  At(2, 21);
  timers_.RunDue();
  EXPECT_THAT(fired_, IsEmpty());
  Pass(2);
  EXPECT_THAT(fired_, ElementsAre(1, 20, 21));
  Pass(1);
  EXPECT_THAT(fired_, ElementsAre(1, 20, 21, 3));
}

TEST_F(TimerQueueTest, FiresAtOnceWhatIsPast) {
  At(-1, 1);
  timers_.RunDue();
  EXPECT_THAT(fired_, ElementsAre(1));
}

TEST_F(TimerQueueTest, WhatIsCancelledDoesNotFire) {
  const TimerQueue::Id first = At(1, 1);
  const TimerQueue::Id second = At(1, 2);
  EXPECT_TRUE(timers_.Cancel(first));
  EXPECT_FALSE(timers_.Cancel(first));
  Pass(1);
  EXPECT_THAT(fired_, ElementsAre(2));
  EXPECT_FALSE(timers_.Cancel(second));
}

TEST_F(TimerQueueTest, CancelDestroysTheCallback) {
  auto held = std::make_shared<int>(1);
  const TimerQueue::Id id = timers_.Schedule(start_ + absl::Seconds(1), [held] {});
  EXPECT_EQ(held.use_count(), 2);
  timers_.Cancel(id);
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(TimerQueueTest, ACallbackMayScheduleAnother) {
  timers_.Schedule(start_ + absl::Seconds(1), [this] { At(2, 2); });
  Pass(1);
  EXPECT_THAT(fired_, IsEmpty());
  Pass(1);
  EXPECT_THAT(fired_, ElementsAre(2));
}

TEST(TimerQueueThreadTest, FiresOnItsOwnThread) {
  TimerQueue timers(Clock::System());
  std::promise<std::thread::id> fired;
  // The later timer is scheduled first, so that the thread must wake up for the earlier one.
  timers.Schedule(Clock::System()->Monotonic() + absl::Hours(2), [] { ADD_FAILURE(); });
  timers.Schedule(Clock::System()->Monotonic() + absl::Milliseconds(1),
                  [&] { fired.set_value(std::this_thread::get_id()); });
  EXPECT_NE(fired.get_future().get(), std::this_thread::get_id());
}

// The thread sleeps until the time of a timer that is cancelled. Another timer that is due later
// does not wake the thread and is still fired, and so is one that is due before.
TEST(TimerQueueThreadTest, ASleepForWhatWasCancelledDelaysNothing) {
  TimerQueue timers(Clock::System());
  for (const int later_ms : {2, -4}) {
    const absl::Duration now = Clock::System()->Monotonic();
    timers.Cancel(timers.Schedule(now + absl::Milliseconds(5), [] {}));
    std::promise<void> fired;
    timers.Schedule(now + absl::Milliseconds(5 + later_ms), [&] { fired.set_value(); });
    fired.get_future().wait();
    EXPECT_GE(Clock::System()->Monotonic(), now + absl::Milliseconds(5 + later_ms));
  }
}

TEST(TimerQueueThreadTest, DropsOnDestructionWhatHasNotFired) {
  auto held = std::make_shared<int>(1);
  {
    TimerQueue timers(Clock::System());
    timers.Schedule(absl::InfiniteDuration(), [held] { ADD_FAILURE(); });
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace souvenir
