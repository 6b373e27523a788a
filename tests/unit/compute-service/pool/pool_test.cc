#include "compute-service/pool/pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "tests/unit/compute-service/pool/pool_fixture.h"

namespace souvenir::compute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST_F(PoolTest, RefusesOptionsThatMakeNoSense) {
  EXPECT_THAT(Message(Pool::Create({.name = "m", .instances = 0}, &clock_, &timers_).status()),
              HasSubstr("0 instances"));
  EXPECT_THAT(Message(Pool::Create({.name = "m", .queue_limit = 0}, &clock_, &timers_).status()),
              HasSubstr("queue limit is 0"));
  EXPECT_THAT(
      Message(Pool::Create({.name = "m", .row_limit = absl::ZeroDuration()}, &clock_, &timers_)
                  .status()),
      HasSubstr("0 ms"));
}

TEST_F(PoolTest, RunsJobsInTheOrderTheyCame) {
  Open();
  std::future<Result> first = Occupy();
  std::vector<std::future<Result>> answers;
  for (const char* text : {"a", "b", "c"}) answers.push_back(Submit(text));
  backend_.HoldRuns(false);
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
  EXPECT_THAT(backend_.inputs(), ElementsAre(FrameBytesElement("occupier"), FrameBytesElement("a"),
                                             FrameBytesElement("b"), FrameBytesElement("c")));
}

TEST_F(PoolTest, AnswersWithWhatTheInstanceGave) {
  Open();
  Result result = Submit("hello").get();
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->outputs[0].name, "echo");
  EXPECT_EQ(result->outputs[0].data, FrameBytesElement("hello"));
  EXPECT_EQ(result->compute_time, absl::Milliseconds(3));
}

TEST_F(PoolTest, JobsWaitForThePoolToBeOpened) {
  std::future<Result> answer = Submit("early");
  EXPECT_EQ(pool_->Stats().depth, 1u);
  Open();
  EXPECT_TRUE(answer.get().ok());
}

TEST_F(PoolTest, RefusesMoreThanTheQueueHolds) {
  Make({.queue_limit = 2});
  Open();
  std::future<Result> first = Occupy();
  std::future<Result> second = Submit("a");
  std::future<Result> third = Submit("b");
  const absl::Status refused = pool_->Submit(MakeTextJob({"c"}).first).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(refused), HasSubstr("2 requests wait, at most 2 may"));
  EXPECT_EQ(pool_->Stats().refused, 1u);
  backend_.HoldRuns(false);
  EXPECT_TRUE(third.get().ok());
}

TEST_F(PoolTest, RefusesMoreBytesThanAreFreeUntilAJobIsAnswered) {
  QueueBytes bytes(100);
  const auto job = [](const char* text, uint64_t size) {
    std::pair<Job, std::future<Result>> made = MakeTextJob({text});
    made.first.bytes = size;
    return made;
  };
  Make({.queue_bytes = &bytes});
  Open();
  backend_.HoldRuns(true);
  std::future<Result> runs = Submit(job("a", 30));
  backend_.WaitForRuns(1);
  std::future<Result> waits = Submit(job("b", 30));
  const absl::Status refused = pool_->Submit(job("c", 10).first).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(refused), HasSubstr("no room for 10 bytes more: the requests of all models "
                                          "hold 60 bytes, of at most 100"));
  EXPECT_EQ(pool_->Stats().refused, 1u);
  backend_.HoldRuns(false);
  EXPECT_TRUE(runs.get().ok());
  EXPECT_TRUE(waits.get().ok());
  pool_->Stop(absl::InfiniteDuration());
  EXPECT_EQ(bytes.held(), 0u);
  pool_ = nullptr;  // before `bytes`
}

TEST_F(PoolTest, ACancelledJobLeavesTheQueueAndNeverRuns) {
  Open();
  std::future<Result> first = Occupy();
  JobId id = 0;
  std::future<Result> cancelled = Submit("cancelled", &id);
  EXPECT_TRUE(pool_->Cancel(id));
  EXPECT_EQ(cancelled.get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(pool_->Cancel(id));
  EXPECT_EQ(pool_->Stats().depth, 0u);
  EXPECT_EQ(pool_->Stats().cancelled, 1u);
  backend_.HoldRuns(false);
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(Submit("last").get().ok());
  EXPECT_EQ(backend_.runs(), 2);
}

TEST_F(PoolTest, AJobThatRunsCannotBeCancelled) {
  Open();
  backend_.HoldRuns(true);
  JobId id = 0;
  std::future<Result> answer = Submit("running", &id);
  backend_.WaitForRuns(1);
  EXPECT_FALSE(pool_->Cancel(id));
  backend_.HoldRuns(false);
  EXPECT_TRUE(answer.get().ok());
}

TEST_F(PoolTest, AJobExpiresWhileAllInstancesAreBusy) {
  Open();
  std::future<Result> first = Occupy();
  std::future<Result> expiring = Submit("late", nullptr, absl::Milliseconds(50));
  clock_.Advance(absl::Milliseconds(49));
  timers_.RunDue();
  EXPECT_EQ(pool_->Stats().depth, 1u);
  clock_.Advance(absl::Milliseconds(1));
  timers_.RunDue();
  const absl::Status status = expiring.get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_THAT(Message(status), HasSubstr("after 50 ms in the queue"));
  EXPECT_EQ(pool_->Stats().expired, 1u);
  backend_.HoldRuns(false);
  EXPECT_TRUE(first.get().ok());
  EXPECT_EQ(backend_.runs(), 1);
}

TEST_F(PoolTest, AnExpiredJobNeverRunsEvenWhereItsTimerIsLate) {
  Open();
  std::future<Result> first = Occupy();
  std::future<Result> expired = Submit("late", nullptr, absl::Milliseconds(50));
  clock_.Advance(absl::Seconds(1));  // no timer fires
  backend_.HoldRuns(false);
  EXPECT_EQ(expired.get().status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(first.get().ok());
  EXPECT_EQ(backend_.runs(), 1);
}

TEST_F(PoolTest, RefusesAJobThatComesTooLate) {
  Open();
  auto [job, answer] = MakeTextJob({"late"});
  job.deadline = clock_.Monotonic();
  EXPECT_EQ(pool_->Submit(std::move(job)).status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(PoolTest, MakesAnInstanceOnlyWhenOneIsNeeded) {
  Make({.instances = 3});
  Open();
  EXPECT_EQ(backend_.instance_attempts(), 0);
  EXPECT_TRUE(Submit("the only one").get().ok());
  EXPECT_EQ(backend_.instance_attempts(), 1);
  EXPECT_EQ(pool_->Stats().instances_ready, 1u);
}

TEST_F(PoolTest, RunsAsManyJobsAtOnceAsThereAreInstances) {
  Make({.instances = 3});
  Open();
  backend_.HoldRuns(true);
  std::vector<std::future<Result>> answers;
  for (int i = 0; i < 5; ++i) answers.push_back(Submit("x"));
  backend_.WaitForRuns(3);
  EXPECT_EQ(pool_->Stats().running, 3u);
  EXPECT_EQ(pool_->Stats().depth, 2u);
  backend_.HoldRuns(false);
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
  EXPECT_EQ(backend_.most_running(), 3);
}

TEST_F(PoolTest, AnInstanceThatCannotBeMadeGivesItsErrorAndIsTriedAgainAfterAPause) {
  Make({.first_pause = absl::Seconds(1)});
  Open();
  backend_.SetInstanceStatus(absl::UnavailableError("out of memory"));
  EXPECT_THAT(Message(Submit("a").get().status()), HasSubstr("out of memory"));
  EXPECT_EQ(pool_->Stats().instances_failed, 1u);
  // During the pause jobs get the error at once, without another attempt.
  EXPECT_THAT(Message(Submit("b").get().status()), HasSubstr("out of memory"));
  EXPECT_EQ(backend_.instance_attempts(), 1);

  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(Submit("c").get().ok());
  EXPECT_EQ(backend_.instance_attempts(), 2);
  clock_.Advance(absl::Seconds(1));  // the pause has doubled
  EXPECT_FALSE(Submit("d").get().ok());
  EXPECT_EQ(backend_.instance_attempts(), 2);

  clock_.Advance(absl::Seconds(1));
  backend_.SetInstanceStatus(absl::OkStatus());
  EXPECT_TRUE(Submit("e").get().ok());
  EXPECT_EQ(pool_->Stats().instances_failed, 0u);
  EXPECT_EQ(pool_->Stats().instances_ready, 1u);
}

TEST_F(PoolTest, WhatCannotBeMadeLeavesJobsToTheInstanceThatWorks) {
  Make({.instances = 2});
  Open();
  std::future<Result> first = Occupy();
  backend_.SetInstanceStatus(absl::UnavailableError("out of memory"));
  EXPECT_FALSE(Submit("fails").get().ok());
  std::future<Result> third = Submit("waits");
  std::future<Result> fourth = Submit("waits too");
  backend_.HoldRuns(false);
  EXPECT_TRUE(third.get().ok());
  EXPECT_TRUE(fourth.get().ok());
  EXPECT_EQ(backend_.instance_attempts(), 2);

  // After the pause the other thread takes jobs again.
  backend_.SetInstanceStatus(absl::OkStatus());
  backend_.HoldRuns(true);
  clock_.Advance(absl::Seconds(1));
  timers_.RunDue();
  std::future<Result> fifth = Submit("a");
  std::future<Result> sixth = Submit("b");
  backend_.WaitForRuns(5);
  EXPECT_EQ(pool_->Stats().running, 2u);
  backend_.HoldRuns(false);
  EXPECT_TRUE(fifth.get().ok());
  EXPECT_TRUE(sixth.get().ok());
}

TEST_F(PoolTest, StopLetsWhatWaitsEnd) {
  Open();
  std::future<Result> first = Occupy();
  std::future<Result> second = Submit("waits");
  std::thread stopper([this] { pool_->Stop(absl::Minutes(1)); });
  backend_.HoldRuns(false);
  stopper.join();
  EXPECT_TRUE(first.get().ok());
  EXPECT_TRUE(second.get().ok());
  EXPECT_EQ(pool_->Submit(MakeTextJob({"x"}).first).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(backend_.live_instances(), 0);
  EXPECT_EQ(backend_.live_models(), 0);
  pool_->Stop(absl::ZeroDuration());
}

TEST_F(PoolTest, StopWithoutGraceAnswersWhatWaits) {
  Open();
  std::future<Result> running = Occupy();
  std::future<Result> waiting = Submit("waits");
  std::thread stopper([this] { pool_->Stop(absl::ZeroDuration()); });
  const absl::Status status = waiting.get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(Message(status), HasSubstr("stopped before the request ran"));
  backend_.HoldRuns(false);
  stopper.join();
  EXPECT_TRUE(running.get().ok());
  EXPECT_EQ(backend_.runs(), 1);
}

TEST_F(PoolTest, APoolThatWasNeverOpenedStops) {
  std::future<Result> waiting = Submit("waits");
  pool_->Stop(absl::Minutes(1));
  EXPECT_EQ(waiting.get().status().code(), absl::StatusCode::kUnavailable);
  Open();  // has no effect after Stop()
  EXPECT_EQ(backend_.live_models(), 0);
}

TEST_F(PoolTest, CountsWhatItDid) {
  Open();
  auto [job, answer] = MakeTextJob({"rows"});
  job.rows = 3;
  ASSERT_TRUE(pool_->Submit(std::move(job)).ok());
  EXPECT_TRUE(answer.get().ok());
  backend_.SetRunStatus(absl::InvalidArgumentError("no"));
  EXPECT_FALSE(Submit("bad").get().ok());
  const PoolStats stats = pool_->Stats();
  EXPECT_EQ(stats.rows, 3u);
  EXPECT_EQ(stats.success.count, 1u);
  EXPECT_EQ(stats.failure.count, 1u);
  EXPECT_EQ(stats.run.count, 2u);
  EXPECT_EQ(stats.queue.count, 2u);
  EXPECT_EQ(stats.run_by_rows.at(3).count, 1u);
  EXPECT_EQ(stats.last_run, clock_.Now());
  EXPECT_EQ(stats.running, 0u);
}

// The test is for ThreadSanitizer as much as for the sums.
TEST_F(PoolTest, AnswersEachJobOnceWhenManyThreadsSubmitAndCancel) {
  constexpr int kThreads = 4;
  constexpr int kJobs = 300;
  const std::vector<int64_t> shape = {1, 1};
  Make({.instances = 3, .queue_limit = 16});
  Open();
  std::atomic<int> refused{0};
  std::atomic<int> ran{0};
  std::atomic<int> cancelled{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      const std::string text = FrameBytesElement("x");
      std::vector<std::future<void>> answers;
      for (int i = 0; i < kJobs; ++i) {
        Job job;
        job.inputs = {{"text", DataType::kBytes, shape, text}};
        job.outputs = {"echo"};
        auto answered = std::make_shared<std::promise<void>>();
        std::future<void> answer = answered->get_future();
        job.done = [&, answered](Result result) {
          ++(result.ok() ? ran : cancelled);
          answered->set_value();
        };
        const absl::StatusOr<JobId> id = pool_->Submit(std::move(job));
        if (!id.ok()) {
          ++refused;
          continue;
        }
        if ((i + t) % 3 == 0) pool_->Cancel(*id);
        if (i % 7 == 0) answer.wait();
        answers.push_back(std::move(answer));
      }
      for (auto& answer : answers) answer.wait();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(refused + ran + cancelled, kThreads * kJobs);
  const PoolStats stats = pool_->Stats();
  EXPECT_EQ(stats.success.count, static_cast<uint64_t>(ran));
  EXPECT_EQ(stats.cancelled, static_cast<uint64_t>(cancelled));
  EXPECT_EQ(stats.refused, static_cast<uint64_t>(refused));
  EXPECT_EQ(stats.depth, 0u);
  EXPECT_EQ(stats.running, 0u);
}

TEST_F(PoolTest, RefusesForChangedFilesOnlyWhenNoInstanceIsLeft) {
  Make({.instances = 2});
  Open();
  EXPECT_FALSE(pool_->Activity().files_refused);
  std::future<Result> occupier = Occupy();
  backend_.SetInstanceStatus(FilesChangedError("other files"));
  EXPECT_FALSE(Submit("second").get().ok());
  EXPECT_FALSE(pool_->Activity().files_refused) << "the first instance serves";
  backend_.SetRunStatus(FilesChangedError("no process"));
  backend_.HoldRuns(false);
  EXPECT_FALSE(occupier.get().ok());
  EXPECT_TRUE(pool_->Activity().files_refused);
  backend_.SetRunStatus(absl::OkStatus());
  EXPECT_TRUE(Submit("third").get().ok());
  EXPECT_FALSE(pool_->Activity().files_refused);
}

}  // namespace
}  // namespace souvenir::compute
