#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "tests/unit/compute-service/pool/pool_fixture.h"

namespace souvenir::compute {
namespace {

class ResizeTest : public PoolTest {
 protected:
  // Waits for an effect on another thread that has no callback.
  template <typename Condition>
  void Await(Condition condition) {
    while (!condition()) std::this_thread::yield();
  }
};

TEST_F(ResizeTest, MoreInstancesRunMoreAtOnce) {
  Open();
  backend_.HoldRuns(true);
  std::future<Result> a = Submit("a");
  std::future<Result> b = Submit("b");
  backend_.WaitForRuns(1);
  EXPECT_EQ(pool_->Stats().instances, 1u);
  pool_->Resize(2);
  EXPECT_EQ(pool_->Stats().instances, 2u);
  backend_.WaitForRuns(2);
  backend_.HoldRuns(false);
  EXPECT_TRUE(a.get().ok() && b.get().ok());
  EXPECT_EQ(backend_.most_running(), 2);
}

TEST_F(ResizeTest, WhatIsTooManyEndsWithItsInstance) {
  Make({.instances = 2});
  Open();
  backend_.HoldRuns(true);
  std::future<Result> a = Submit("a");
  std::future<Result> b = Submit("b");
  backend_.WaitForRuns(2);
  pool_->Resize(1);  // returns while both run
  EXPECT_EQ(backend_.live_instances(), 2);
  backend_.HoldRuns(false);
  EXPECT_TRUE(a.get().ok() && b.get().ok());
  Await([&] { return backend_.live_instances() == 1; });
  EXPECT_TRUE(Submit("c").get().ok());
  EXPECT_EQ(pool_->Stats().instances_ready, 1u);
}

TEST_F(ResizeTest, AClosedPoolKeepsWhatComesUntilItIsOpenedAgain) {
  Open();
  EXPECT_TRUE(Submit("a").get().ok());
  pool_->Close();
  EXPECT_EQ(backend_.live_instances(), 0);
  EXPECT_EQ(backend_.live_models(), 0);
  EXPECT_EQ(pool_->Stats().instances_ready, 0u);
  std::future<Result> b = Submit("b");
  EXPECT_EQ(pool_->Stats().depth, 1u);
  Open();
  EXPECT_TRUE(b.get().ok());
  EXPECT_EQ(pool_->Stats().success.count, 2u);  // counters survive Close() and Open()
}

TEST_F(ResizeTest, ClosingWaitsForWhatRuns) {
  Open();
  std::future<Result> running = Occupy();
  std::thread closer([&] { pool_->Close(); });
  std::future<Result> waiting = Submit("waiting");
  backend_.HoldRuns(false);
  closer.join();
  EXPECT_TRUE(running.get().ok());
  Open();
  EXPECT_TRUE(waiting.get().ok());
}

TEST_F(ResizeTest, AClosedPoolStops) {
  Open();
  pool_->Close();
  pool_->Close();
  std::future<Result> waiting = Submit("waiting");
  pool_->Stop(absl::ZeroDuration());
  EXPECT_EQ(waiting.get().status().code(), absl::StatusCode::kUnavailable);
  pool_->Resize(3);
}

TEST_F(ResizeTest, AnInstanceThatRunsPastItsLimitHangs) {
  Make({.row_limit = absl::Seconds(2)});
  Open();
  std::future<Result> running = Occupy();
  clock_.Advance(absl::Seconds(3));
  EXPECT_EQ(pool_->Stats().instances_hanging, 0u);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(pool_->Stats().instances_hanging, 1u);
  backend_.HoldRuns(false);
  EXPECT_TRUE(running.get().ok());
  EXPECT_EQ(pool_->Stats().instances_hanging, 0u);
}

TEST_F(ResizeTest, EachJobIsAnsweredOnceWhateverTheSize) {
  Open();
  std::atomic<bool> stop{false};
  std::thread resizer([&] {
    std::mt19937 random(5);
    while (!stop) {
      pool_->Resize(1 + static_cast<int>(random() % 4));
      if (random() % 8 == 0) {
        pool_->Close();
        Open();
      }
    }
  });
  for (int i = 0; i < 500; ++i) {
    std::future<Result> a = Submit("a");
    std::future<Result> b = Submit("b");
    EXPECT_TRUE(a.get().ok());
    EXPECT_TRUE(b.get().ok());
  }
  stop = true;
  resizer.join();
  EXPECT_EQ(pool_->Stats().success.count, 1000u);
}

}  // namespace
}  // namespace souvenir::compute
