#include "common/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace souvenir {
namespace {

std::unique_ptr<ThreadExecutor> Make(int threads, size_t queue_limit) {
  auto executor =
      ThreadExecutor::Create({.name = "test", .threads = threads, .queue_limit = queue_limit});
  EXPECT_TRUE(executor.ok()) << executor.status();
  return *std::move(executor);
}

bool Submit(ThreadExecutor& executor, Task task) { return executor.TrySubmit(task); }

TEST(ThreadExecutorTest, RefusesOptionsThatMakeNoSense) {
  EXPECT_EQ(ThreadExecutor::Create({.name = "x", .threads = 0}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ThreadExecutor::Create({.name = "x", .queue_limit = 0}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(ThreadExecutorTest, RunsTasksInOrder) {
  std::vector<int> order;
  const auto executor = Make(1, 100);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Submit(*executor, [&, i] { order.push_back(i); }));
  executor->Stop();
  ASSERT_EQ(order.size(), 50u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(ThreadExecutorTest, NamesItsThreads) {
  std::promise<std::string> name;
  const auto executor = Make(1, 1);
  ASSERT_TRUE(Submit(*executor, [&] {
    char buffer[16];
    pthread_getname_np(pthread_self(), buffer, sizeof(buffer));
    name.set_value(buffer);
  }));
  EXPECT_EQ(name.get_future().get(), "test/0");
}

TEST(ThreadExecutorTest, RefusesMoreThanItsQueueHoldsAndLeavesTheTask) {
  std::promise<void> started;
  std::promise<void> go_on;
  const auto executor = Make(1, 1);  // destroyed before the objects that its tasks use
  ASSERT_TRUE(Submit(*executor, [&] {
    started.set_value();
    go_on.get_future().wait();
  }));
  started.get_future().wait();
  ASSERT_TRUE(Submit(*executor, [] {}));
  EXPECT_EQ(executor->queued(), 1u);
  bool ran = false;
  Task refused = [&] { ran = true; };
  EXPECT_FALSE(executor->TrySubmit(refused));
  ASSERT_TRUE(refused);
  std::move(refused)();
  EXPECT_TRUE(ran);
  go_on.set_value();
}

TEST(ThreadExecutorTest, AThreadThatHasYetToWakeIsFree) {
  for (int round = 0; round < 100; ++round) {
    std::promise<void> go_on;
    const std::shared_future<void> wait = go_on.get_future().share();
    const auto executor = Make(2, 1);
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(Submit(*executor, [wait] { wait.wait(); })) << i;
    EXPECT_FALSE(Submit(*executor, [] {}));
    go_on.set_value();
  }
}

TEST(ThreadExecutorTest, StopRunsWhatIsQueuedAndRefusesTheRest) {
  std::atomic<int> ran{0};
  const auto executor = Make(2, 1000);
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(Submit(*executor, [&] { ++ran; }));
  executor->Stop();
  EXPECT_EQ(ran, 500);
  EXPECT_FALSE(Submit(*executor, [] {}));
  executor->Stop();
}

TEST(ThreadExecutorTest, ATaskMaySubmitAnother) {
  std::promise<bool> second;
  const auto executor = Make(1, 2);
  ASSERT_TRUE(
      Submit(*executor, [&] { EXPECT_TRUE(Submit(*executor, [&] { second.set_value(true); })); }));
  EXPECT_TRUE(second.get_future().get());
}

}  // namespace
}  // namespace souvenir
