// How the kinds of stores meet ends of the process, records that cannot be read, and disks that
// fail.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "gateway/tasks/task_store.h"
#include "tests/fakes/file_size_limit.h"
#include "tests/unit/gateway/tasks/task_store_harness.h"

namespace souvenir::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class TaskStoreFailureTest : public TaskStoreTest {};

INSTANTIATE_TEST_SUITE_P(Kinds, TaskStoreFailureTest, testing::Values(RocksDbKind()));

TEST_P(TaskStoreFailureTest, AStepThatEndsTheProcessAgainAndAgainIsADeadLetter) {
  Use({.max_lost_attempts = 3});
  const JobNumber job = Submit({{.id = "poison"}, {.id = "good"}}, {.run_all = true});
  for (int life = 0; life < 3; ++life) {
    const auto claimed = Claim(1);
    ASSERT_THAT(claimed, SizeIs(1));
    // The neighbour was ready first in later lives.
    if (claimed[0].ref.step == 1) {
      Succeed(claimed[0]);
      ASSERT_THAT(Claim(1), SizeIs(1));
    }
    harness_->Crash();
  }
  Maintain();
  EXPECT_EQ(State(job, 0), StepState::kFailed);
  const auto step = store().GetStep({job, 0}, false);
  EXPECT_EQ(step->reason, DeadLetterReason::kLost);
  EXPECT_THAT(std::string(step->status.message()), HasSubstr("ended 3 times"));
  for (const ClaimedStep& good : Claim()) Succeed(good);
  EXPECT_EQ(State(job, 1), StepState::kSucceeded);
  EXPECT_EQ(Job(job).state, JobState::kFailed);
}

TEST_P(TaskStoreFailureTest, EndsOfTheProcessDoNotCountForTheNeighboursOfTheGuiltyStep) {
  Use({.max_lost_attempts = 2});
  std::vector<TestStep> steps = {{.id = "poison"}};
  for (int i = 1; i < 6; ++i) steps.push_back({.id = fmt::format("{}", i)});
  const JobNumber job = Submit(steps, {.run_all = true});
  ASSERT_THAT(Claim(), SizeIs(6));
  harness_->Crash();
  ASSERT_THAT(Claim(), SizeIs(6)) << "one end is an accident";
  harness_->Crash();
  // Now they run one at a time, until the poison ends the process.
  int ends = 0;
  for (int runs = 0; runs < 20 && State(job, 0) != StepState::kFailed; ++runs) {
    const auto claimed = Claim();
    ASSERT_THAT(claimed, SizeIs(1));
    EXPECT_THAT(Claim(), IsEmpty());
    if (claimed[0].ref.step == 0) {
      ++ends;
      harness_->Crash();
      Maintain();
    } else {
      const Moves moves = Succeed(claimed[0]);
      EXPECT_THAT(moves.ready_queues, ElementsAre("default")) << "the next one was not told";
    }
  }
  EXPECT_EQ(ends, 2);
  EXPECT_EQ(store().GetStep({job, 0}, false)->reason, DeadLetterReason::kLost);
  for (auto claimed = Claim(); !claimed.empty(); claimed = Claim()) Succeed(claimed[0]);
  EXPECT_EQ(Job(job).steps.succeeded, 5u);
}

TEST_P(TaskStoreFailureTest, AnAttemptThatEndsByItselfFreesAStepOfSuspicion) {
  Use({.max_lost_attempts = 2});
  const JobNumber job = Submit({{.id = "a"}});
  for (int i = 0; i < 5; ++i) {
    ASSERT_THAT(Claim(), SizeIs(1));
    harness_->Crash();
    const auto again = Claim();
    ASSERT_THAT(again, SizeIs(1));
    Commit({Retry(again[0], now())});
  }
  EXPECT_EQ(State(job, 0), StepState::kReady);
}

TEST_P(TaskStoreFailureTest, TextsOfAnyBytesDoNotKeepTheStoreFromGoingOn) {
  const std::string bytes = "\xff\xfe\x01 and \xc3";
  const JobNumber job = Submit({{.id = "a"}}, {.name = bytes, .run_all = true});
  const auto claimed = Claim();
  ASSERT_THAT(claimed, SizeIs(1));
  Outcome failure = Failure(claimed[0]);
  failure.status = absl::InvalidArgumentError(bytes);
  Commit({failure});
  harness_->Crash();
  Maintain();
  EXPECT_EQ(Job(job).state, JobState::kFailed);
  EXPECT_EQ(Job(job).options.name, bytes);
  EXPECT_EQ(Job(job).status.message(), bytes);
  EXPECT_EQ(store().GetStep({job, 0}, false)->status.message(), bytes);
  ASSERT_THAT(Events(job), SizeIs(2));
  EXPECT_EQ(Events(job)[0].status.message(), bytes);
}

TEST_P(TaskStoreFailureTest, AStepWhoseRecordIsLostIsADeadLetterAndAllOthersGoOn) {
  const JobNumber job = Submit({{.id = "ready"},
                                {.id = "scheduled", .countdown = absl::Hours(1)},
                                {.id = "pending", .needs = {"good"}},
                                {.id = "running", .priority = 10},
                                {.id = "good"},
                                {.id = "after", .needs = {"ready"}}},
                               {.run_all = true});
  const JobNumber other = Submit({{.id = "a"}});
  ASSERT_EQ(Claim(1).at(0).ref.step, 3u);
  for (const uint32_t step : {3u, 0u, 1u, 2u}) harness_->CrashAndDamage(job, step);
  Maintain();
  for (const ClaimedStep& step : Claim()) Succeed(step);
  EXPECT_EQ(Job(other).state, JobState::kSucceeded);
  clock_.Advance(absl::Hours(1));  // the time for which jobs that have ended are kept, too
  Maintain();
  for (uint32_t step = 0; step < 4; ++step) {
    EXPECT_EQ(State(job, step), StepState::kFailed) << step;
    EXPECT_EQ(store().GetStep({job, step}, false)->status.code(), absl::StatusCode::kDataLoss);
  }
  EXPECT_EQ(State(job, 4), StepState::kSucceeded);
  EXPECT_EQ(State(job, 5), StepState::kSkipped);
  EXPECT_EQ(Job(job).state, JobState::kFailed);
  EXPECT_EQ(store().stats().scheduled, 0u);
  EXPECT_EQ(store().stats().dead_letters, 4u);
  EXPECT_TRUE(store().stats().healthy);
  for (const QueueInfo& queue : store().Queues()) {
    EXPECT_EQ(queue.ready, 0u);
    EXPECT_EQ(queue.running, 0u);
  }
}

TEST_P(TaskStoreFailureTest, AJobWhoseRecordIsLostEndsAndExpires) {
  const JobNumber job = Submit({{.id = "done"},
                                {.id = "running"},
                                {.id = "ready"},
                                {.id = "scheduled", .countdown = absl::Hours(1)}},
                               {.uniqueness_key = "one"});
  Succeed(Claim(1).at(0));
  ASSERT_THAT(Claim(1), SizeIs(1));
  harness_->CrashAndDamage(job, std::nullopt);
  Maintain();
  EXPECT_THAT(Claim(), IsEmpty());
  Maintain();
  const JobInfo info = Job(job);
  EXPECT_EQ(info.state, JobState::kCancelled);
  EXPECT_EQ(info.status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(info.steps.total, 4u);
  EXPECT_EQ(info.steps.succeeded, 1u);
  EXPECT_EQ(info.steps.cancelled, 3u);
  EXPECT_TRUE(Events(job).back().job_ended);
  EXPECT_EQ(store().stats().scheduled, 0u);
  EXPECT_TRUE(store().Begin({.uniqueness_key = "one"}, now()).ok()) << "its key is free";
  clock_.Advance(absl::Hours(25));
  Maintain();
  EXPECT_EQ(store().stats().jobs, 0u);
  EXPECT_EQ(store().stats().steps, 0u);
}

TEST_P(TaskStoreFailureTest, QueuesStayWhenTheirLimitIsLowered) {
  Submit({{.id = "a", .queue = "one"}, {.id = "b", .queue = "two"}, {.id = "c", .queue = "three"}});
  harness_->CrashAndLimitQueues(1);
  EXPECT_THAT(store().Queues(), SizeIs(3));
  EXPECT_THAT(Claim(10, "three"), SizeIs(1));
  EXPECT_TRUE(store().ChangeQueue("two", {.paused = true}, true).ok());
  EXPECT_EQ(store().ChangeQueue("four", {.paused = true}, true).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST_P(TaskStoreFailureTest, AFullStoreTakesJobsAgainWhenOthersHaveGone) {
  Use({.max_bytes = 8u << 20});
  std::mt19937 random;
  std::string bytes(1u << 20, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  const auto append = [&](JobNumber job, int number) {
    Blob blob{.digest = {}, .bytes = bytes};
    blob.digest[0] = static_cast<uint8_t>(number);
    return store().Append(job, {}, {std::move(blob)});
  };
  const auto full = store().Begin({}, now());
  ASSERT_TRUE(full.ok());
  absl::Status appended;
  for (int i = 0; i < 100 && appended.ok(); ++i) appended = append(full->job, i);
  ASSERT_EQ(appended.code(), absl::StatusCode::kResourceExhausted);
  store().Abandon(full->job);
  Maintain();
  const auto next = store().Begin({}, now());
  ASSERT_TRUE(next.ok());
  const absl::Time deadline = absl::Now() + absl::Seconds(30);
  do {
    appended = append(next->job, 0);
    std::this_thread::yield();
  } while (!appended.ok() && absl::Now() < deadline);
  EXPECT_TRUE(appended.ok()) << appended;
}

TEST_P(TaskStoreFailureTest, AStoreThatHasFailedOpensItselfAndSaysSo) {
  const JobNumber job = Submit({{.id = "runs"}});
  ASSERT_THAT(Claim(), SizeIs(1));
  Mutex mutex;
  CondVar changed;
  bool woken = false;
  store().SetWake([&] {
    MutexLock lock(&mutex);
    woken = true;
    changed.NotifyAll();
  });
  {
    const FileSizeLimit limit(0);
    // A caller meets the failure; nobody calls Maintain().
    EXPECT_FALSE(store().Begin({}, now()).ok());
    EXPECT_FALSE(store().stats().healthy);
  }
  {
    MutexLock lock(&mutex);
    while (!woken) changed.Wait(&mutex);
  }
  store().SetWake(nullptr);
  EXPECT_TRUE(store().stats().healthy);
  const auto moves = store().Maintain(now());
  ASSERT_TRUE(moves.ok()) << moves.status();
  EXPECT_THAT(moves->ready_queues, ElementsAre("default")) << "what was running is ready";
  const auto again = Claim();
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].attempt, 2u);
  Succeed(again[0]);
  EXPECT_EQ(Job(job).state, JobState::kSucceeded);
}

}  // namespace
}  // namespace souvenir::gateway
