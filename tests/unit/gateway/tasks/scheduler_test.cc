#include "gateway/tasks/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/gateway/tasks/task_store_harness.h"

namespace souvenir::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// A runner whose attempts a test ends.
class FakeRunner final : public StepRunner {
 public:
  struct Started {
    ClaimedStep step;
    Done done;
    bool cancelled = false;
  };

  std::shared_ptr<Attempt> Start(const ClaimedStep& step, Gate gate, Done done) override {
    struct Handle final : Attempt {
      explicit Handle(std::shared_ptr<Started> started) : started(std::move(started)) {}
      void Cancel() override {
        started->cancelled = true;
        End(*started, absl::CancelledError("given up"));
      }
      const std::shared_ptr<Started> started;
    };
    auto started = std::make_shared<Started>();
    started->step = step;
    started->done = std::move(done);
    if (!gate(model_of(step))) {
      ++held_back;
      End(*started, absl::UnavailableError("the model is away"));
      return std::make_shared<Handle>(started);
    }
    all.push_back(started);
    if (answer != nullptr) End(*started, answer(step));
    return std::make_shared<Handle>(started);
  }

  static void End(Started& started, absl::StatusOr<std::string> outputs, bool no_room = false) {
    const Done done = std::exchange(started.done, nullptr);
    if (done == nullptr) return;
    done({.outputs = std::move(outputs), .rows = 2, .remembered_rows = 1, .no_room = no_room});
  }
  void Succeed(size_t i) { End(*all.at(i), "result"); }
  void Fail(size_t i, absl::Status status) { End(*all.at(i), std::move(status)); }
  // The gateway itself has no room for it.
  void FindNoRoom(size_t i) { End(*all.at(i), absl::ResourceExhaustedError("full"), true); }

  std::vector<std::shared_ptr<Started>> all;  // that the gate let in
  size_t held_back = 0;
  std::function<std::string(const ClaimedStep&)> model_of = [](const ClaimedStep&) { return "m"; };
  // If set, ends each attempt before Start() returns.
  std::function<absl::StatusOr<std::string>(const ClaimedStep&)> answer;
};

class SchedulerTest : public TaskStoreTest {
 protected:
  ~SchedulerTest() override {
    runner_.answer = nullptr;
    if (scheduler_ != nullptr) scheduler_->Stop();
  }

  void Begin(size_t max_running = 8) {
    scheduler_ =
        std::make_unique<Scheduler>(Scheduler::Options{.max_running = max_running,
                                                       .mode = Scheduler::Mode::kManual,
                                                       .uniform = [] { return 0.0; }},
                                    Scheduler::Parts{&clock_, &store(), &runner_, &watchers_});
    scheduler_->Round();
  }

  FakeRunner runner_;
  JobWatchers watchers_;
  std::unique_ptr<Scheduler> scheduler_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, SchedulerTest, testing::Values(RocksDbKind()));

TEST_P(SchedulerTest, AChordRunsItsBodyOnceAfterItsPieces) {
  const JobNumber job = Submit({{.id = "a"}, {.id = "b"}, {.id = "body", .needs = {"a", "b"}}});
  int told = 0;
  const auto id = watchers_.Add(job, [&] { ++told; });
  Begin();
  ASSERT_THAT(runner_.all, SizeIs(2));
  runner_.Succeed(0);
  runner_.Succeed(1);
  scheduler_->Round();
  ASSERT_THAT(runner_.all, SizeIs(3));
  EXPECT_EQ(runner_.all[2]->step.ref, (StepRef{job, 2}));
  EXPECT_EQ(told, 1) << "both ends went into one commit";
  runner_.Succeed(2);
  scheduler_->Round();
  EXPECT_EQ(Job(job).state, JobState::kSucceeded);
  EXPECT_EQ(told, 2);
  watchers_.Remove(job, id);
  const Scheduler::Stats stats = scheduler_->stats();
  EXPECT_EQ(stats.started, 3u);
  EXPECT_EQ(stats.succeeded, 3u);
  EXPECT_EQ(stats.rows, 6u);
  EXPECT_EQ(stats.remembered_rows, 3u);
}

TEST_P(SchedulerTest, AWholeGraphOfHitsRunsInOneRound) {
  runner_.answer = [](const ClaimedStep&) { return std::string("hit"); };
  std::vector<TestStep> steps = {{.id = "0"}};
  for (int i = 1; i < 50; ++i) {
    steps.push_back({.id = std::to_string(i), .needs = {std::to_string(i - 1)}});
  }
  const JobNumber job = Submit(steps);
  Begin();
  EXPECT_EQ(Job(job).state, JobState::kSucceeded);
}

TEST_P(SchedulerTest, NoMoreStepsRunThanMay) {
  Submit({{.id = "a"}, {.id = "b"}, {.id = "c"}, {.id = "d", .queue = "other"}});
  Begin(/*max_running=*/2);
  EXPECT_THAT(runner_.all, SizeIs(2));
  EXPECT_EQ(scheduler_->stats().running, 2u);
  runner_.Succeed(0);
  scheduler_->Round();
  EXPECT_THAT(runner_.all, SizeIs(3));
}

TEST_P(SchedulerTest, ErrorsThatMayPassAreTriedAgainLaterAndLater) {
  const JobNumber job = Submit({{.id = "a"}});
  Begin();
  runner_.Fail(0, absl::InternalError("lost"));
  EXPECT_EQ(scheduler_->Round(), absl::Seconds(1));
  EXPECT_EQ(State(job, 0), StepState::kScheduled);
  clock_.Advance(absl::Seconds(1));
  scheduler_->Round();
  ASSERT_THAT(runner_.all, SizeIs(2));
  runner_.Fail(1, absl::InternalError("lost"));
  EXPECT_EQ(scheduler_->Round(), absl::Seconds(2));
  clock_.Advance(absl::Seconds(2));
  scheduler_->Round();
  ASSERT_THAT(runner_.all, SizeIs(3));
  runner_.Fail(2, absl::InternalError("lost"));
  scheduler_->Round();
  EXPECT_EQ(State(job, 0), StepState::kFailed) << "three attempts are the default";
  EXPECT_EQ(store().GetStep({job, 0}, false)->reason, DeadLetterReason::kExhausted);
  EXPECT_EQ(Job(job).state, JobState::kFailed);
}

TEST_P(SchedulerTest, TheWallClockIsLookedAtAgainBeforeAStepIsDue) {
  Submit({{.id = "a", .countdown = absl::Hours(2)}});
  Begin();
  EXPECT_EQ(scheduler_->Round(), absl::Seconds(30));
}

TEST_P(SchedulerTest, ErrorsOfTheQuestionAreNotTriedAgain) {
  const JobNumber job = Submit({{.id = "a"}});
  Begin();
  runner_.Fail(0, absl::InvalidArgumentError("wrong"));
  scheduler_->Round();
  EXPECT_EQ(State(job, 0), StepState::kFailed);
  EXPECT_EQ(store().GetStep({job, 0}, false)->reason, DeadLetterReason::kPermanent);
  EXPECT_THAT(runner_.all, SizeIs(1));
}

TEST_P(SchedulerTest, CancelGivesUpWhatRuns) {
  const JobNumber job = Submit({{.id = "a"}, {.id = "b", .needs = {"a"}}});
  const JobNumber other = Submit({{.id = "a"}});
  Begin();
  ASSERT_THAT(runner_.all, SizeIs(2));
  const auto moves = store().Cancel(job, now());
  ASSERT_TRUE(moves.ok());
  scheduler_->OnMoves(*moves);
  scheduler_->Round();
  EXPECT_TRUE(runner_.all[0]->cancelled);
  EXPECT_FALSE(runner_.all[1]->cancelled) << "it is of another job";
  EXPECT_EQ(Job(job).state, JobState::kCancelled);
  EXPECT_EQ(Job(other).state, JobState::kRunning);
}

TEST_P(SchedulerTest, TheFirstFailureGivesUpTheOthersOfItsJob) {
  const JobNumber job = Submit({{.id = "a"}, {.id = "b"}});
  Begin();
  runner_.Fail(0, absl::NotFoundError("no such model"));
  scheduler_->Round();
  EXPECT_TRUE(runner_.all[1]->cancelled);
  EXPECT_EQ(Job(job).state, JobState::kFailed);
  EXPECT_EQ(State(job, 1), StepState::kSkipped);
}

TEST_P(SchedulerTest, AStopGivesStepsBackWithoutCountingTheAttempt) {
  const JobNumber job = Submit({{.id = "a"}});
  Begin();
  scheduler_->Stop();
  EXPECT_TRUE(runner_.all[0]->cancelled);
  EXPECT_EQ(State(job, 0), StepState::kReady);
  harness_->Crash();
  scheduler_ = nullptr;
  Begin();
  ASSERT_THAT(runner_.all, SizeIs(2));
  EXPECT_EQ(runner_.all[1]->step.failures, 0u);
  EXPECT_EQ(store().stats().lost_attempts, 0u);
}

TEST_P(SchedulerTest, WhatWasRunningAtAKillRunsAgain) {
  const JobNumber job = Submit({{.id = "a"}, {.id = "b"}});
  Begin();
  runner_.Succeed(0);
  scheduler_->Round();
  const auto late = runner_.all[1];
  // The process ends: nothing of the scheduler is left.
  harness_->Crash();
  Scheduler* const gone = scheduler_.release();
  Begin();
  ASSERT_THAT(runner_.all, SizeIs(3)) << "a has ended, and must not run again";
  EXPECT_EQ(runner_.all[2]->step.ref, (StepRef{job, 1}));
  EXPECT_EQ(runner_.all[2]->step.attempt, 2u);
  runner_.Succeed(2);
  scheduler_->Round();
  EXPECT_EQ(Job(job).state, JobState::kSucceeded);
  FakeRunner::End(*late, absl::CancelledError("its process is gone"));
  delete gone;
}

TEST_P(SchedulerTest, WhileComputeIsAwayStepsStayInTheirQueues) {
  runner_.answer = [](const ClaimedStep&) -> absl::StatusOr<std::string> {
    return absl::UnavailableError("compute is away");
  };
  std::vector<TestStep> steps;
  for (int i = 0; i < 200; ++i) steps.push_back({.id = std::to_string(i)});
  const JobNumber job = Submit(steps, {.run_all = true});
  Begin(/*max_running=*/4);
  for (int i = 0; i < 20; ++i) {
    scheduler_->Round();
    clock_.Advance(absl::Milliseconds(20));
  }
  EXPECT_LT(runner_.all.size(), 60u) << "every step was tried at once";
  EXPECT_EQ(Job(job).steps.failed, 0u);
  runner_.answer = [](const ClaimedStep&) { return std::string("back"); };
  for (int i = 0; i < 200 && Job(job).state == JobState::kRunning; ++i) {
    clock_.Advance(absl::Seconds(1));
    scheduler_->Round();
  }
  EXPECT_EQ(Job(job).state, JobState::kSucceeded);
}

TEST_P(SchedulerTest, AModelThatIsAwayHoldsUpNoOtherInItsQueue) {
  std::vector<TestStep> steps;
  for (int i = 0; i < 22; ++i) steps.push_back({.id = std::to_string(i)});
  const JobNumber away = Submit(steps, {.run_all = true});
  runner_.model_of = [away](const ClaimedStep& step) {
    return step.ref.job == away ? "away" : "healthy";
  };
  runner_.answer = [away](const ClaimedStep& step) -> absl::StatusOr<std::string> {
    if (step.ref.job == away) return absl::UnavailableError("no server");
    return "result";
  };
  Begin(/*max_running=*/4);
  EXPECT_GT(runner_.held_back, 0u);
  const size_t tried = runner_.all.size();
  EXPECT_LT(tried, 22u);
  const JobNumber healthy = Submit({{.id = "a"}, {.id = "b", .needs = {"a"}}});
  for (int i = 0; i < 10; ++i) {
    clock_.Advance(absl::Milliseconds(9));
    scheduler_->Round();
  }
  EXPECT_EQ(runner_.all.size(), tried) << "the queue rests";
  for (int i = 0; i < 30 && Job(healthy).state == JobState::kRunning; ++i) {
    clock_.Advance(absl::Milliseconds(100));
    scheduler_->Round();
  }
  EXPECT_EQ(Job(healthy).state, JobState::kSucceeded);
  EXPECT_EQ(Job(away).steps.failed, 0u) << "steps that were held back have made no attempt";
}

TEST_P(SchedulerTest, TheRoomFollowsWhatComputeTakes) {
  std::vector<TestStep> steps;
  for (int i = 0; i < 100; ++i) steps.push_back({.id = std::to_string(i)});
  Submit(steps, {.run_all = true});
  Begin(/*max_running=*/8);
  EXPECT_EQ(scheduler_->stats().running_limit, 8u);
  runner_.Fail(0, absl::ResourceExhaustedError("full"));
  scheduler_->Round();
  EXPECT_EQ(scheduler_->stats().running_limit, 4u);
  EXPECT_EQ(scheduler_->stats().running, 7u) << "no step starts beyond the limit";
  for (size_t i = 1; i < 12 && i < runner_.all.size(); ++i) {
    runner_.Succeed(i);
    scheduler_->Round();
  }
  EXPECT_GT(scheduler_->stats().running_limit, 4u);
}

TEST_P(SchedulerTest, TheRoomIsHalvedOnceForAllThatRan) {
  std::vector<TestStep> steps;
  for (int i = 0; i < 100; ++i) steps.push_back({.id = std::to_string(i)});
  Submit(steps, {.run_all = true});
  Begin(/*max_running=*/8);
  ASSERT_THAT(runner_.all, SizeIs(8));
  for (size_t i = 0; i < 4; ++i) runner_.Fail(i, absl::ResourceExhaustedError("full"));
  scheduler_->Round();
  for (size_t i = 4; i < 8; ++i) runner_.Fail(i, absl::ResourceExhaustedError("full"));
  scheduler_->Round();
  EXPECT_EQ(scheduler_->stats().running_limit, 4u);
  ASSERT_THAT(runner_.all, SizeIs(12));
  runner_.Fail(8, absl::ResourceExhaustedError("full"));
  scheduler_->Round();
  EXPECT_EQ(scheduler_->stats().running_limit, 2u) << "it began after the room was halved";
}

TEST_P(SchedulerTest, AStepTheGatewayHasNoRoomForGoesBackUncounted) {
  const JobNumber job = Submit({{.id = "a"}, {.id = "b"}, {.id = "c"}}, {.run_all = true});
  Begin();
  ASSERT_THAT(runner_.all, SizeIs(3));
  runner_.FindNoRoom(0);
  runner_.FindNoRoom(1);
  EXPECT_EQ(scheduler_->Round(), absl::Milliseconds(50));
  EXPECT_THAT(runner_.all, SizeIs(3)) << "there is no room yet";
  EXPECT_EQ(State(job, 0), StepState::kReady);
  EXPECT_EQ(scheduler_->stats().running_limit, 8u) << "compute has refused nothing";
  clock_.Advance(absl::Milliseconds(50));
  scheduler_->Round();
  ASSERT_THAT(runner_.all, SizeIs(5));
  EXPECT_EQ(runner_.all[3]->step.unavailable, 0u);
  runner_.Succeed(2);
  runner_.Succeed(3);
  scheduler_->Round();
  runner_.FindNoRoom(4);
  scheduler_->Round();
  EXPECT_EQ(State(job, 1), StepState::kScheduled) << "it ran alone, and is too large";
}

}  // namespace
}  // namespace souvenir::gateway
