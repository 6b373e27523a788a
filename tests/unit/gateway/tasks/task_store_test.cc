#include "gateway/tasks/task_store.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/unit/gateway/tasks/task_store_harness.h"

namespace souvenir::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

INSTANTIATE_TEST_SUITE_P(Kinds, TaskStoreTest, testing::Values(RocksDbKind()));

TEST_P(TaskStoreTest, AStepBecomesReadyWhenAllThatItNeedsHaveSucceeded) {
  const JobNumber job = Submit({{.id = "a"}, {.id = "b"}, {.id = "sum", .needs = {"a", "b"}}});
  const auto roots = Claim();
  ASSERT_THAT(roots, SizeIs(2));
  Succeed(roots[0]);
  EXPECT_THAT(Claim(), IsEmpty());
  EXPECT_EQ(State(job, 2), StepState::kPending);
  const Moves moves = Succeed(roots[1]);
  EXPECT_THAT(moves.ready_queues, ElementsAre("default"));
  const auto sum = Claim();
  ASSERT_THAT(sum, SizeIs(1));
  EXPECT_EQ(sum[0].ref, (StepRef{job, 2}));
  const auto work = store().ReadWork(sum[0].ref);
  ASSERT_TRUE(work.ok()) << work.status();
  EXPECT_EQ(work->spec, "spec of sum");
  EXPECT_THAT(work->needs, ElementsAre(0, 1));
  EXPECT_EQ(*store().ReadResult({job, 0}), "result");
  Succeed(sum[0]);
  EXPECT_EQ(Job(job).state, JobState::kSucceeded);
  EXPECT_THAT(Events(job), SizeIs(4));
  EXPECT_TRUE(Events(job).back().job_ended);
}

TEST_P(TaskStoreTest, OutcomesThatComeTwiceOrLateCountOnce) {
  const JobNumber job = Submit({{.id = "a"}, {.id = "b"}, {.id = "sum", .needs = {"a", "b"}}});
  const auto roots = Claim();
  Commit({Success(roots[0]), Success(roots[0]), Success(roots[0])});
  Succeed(roots[0]);
  EXPECT_EQ(State(job, 2), StepState::kPending) << "the join counted one step twice";
  EXPECT_EQ(store().stats().late_outcomes, 3u);

  // The first attempt of b is lost, and a second one runs.
  harness_->Crash();
  const auto again = Claim();
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].attempt, 2u);
  Fail(roots[1]);
  EXPECT_EQ(State(job, 1), StepState::kRunning) << "a late attempt ended the present one";
  Succeed(again[0]);
  EXPECT_EQ(State(job, 2), StepState::kReady);
}

TEST_P(TaskStoreTest, AcceptedJobsSurviveAKillAndOthersLeaveNothing) {
  const JobNumber job = Submit({{.id = "a"}, {.id = "b", .needs = {"a"}}});
  const auto open = store().Begin({.idempotency_key = "k", .result_ttl = absl::Hours(1)}, now());
  ASSERT_TRUE(open.ok());
  Append(open->job, {{.id = "x"}});
  EXPECT_EQ(store().stats().steps, 3u);
  harness_->Crash();
  EXPECT_EQ(store().stats().steps, 2u);
  EXPECT_EQ(store().GetJob(open->job).status().code(), absl::StatusCode::kNotFound);
  Succeed(Claim()[0]);
  harness_->Crash();
  EXPECT_EQ(State(job, 0), StepState::kSucceeded);
  const auto second = Claim();
  ASSERT_THAT(second, SizeIs(1)) << "a finished step must not run again";
  EXPECT_EQ(second[0].ref.step, 1u);
  Succeed(second[0]);
  EXPECT_EQ(Job(job).state, JobState::kSucceeded);
  EXPECT_NE(store().NameOf(job), "");
  EXPECT_EQ(store().NumberOf(store().NameOf(job)), job);
  EXPECT_EQ(store().NumberOf("1"), std::nullopt);
}

TEST_P(TaskStoreTest, TheFirstFailureEndsAJobThatFailsFast) {
  const JobNumber job = Submit({{.id = "a"}, {.id = "b"}, {.id = "c", .needs = {"b"}}});
  const auto roots = Claim();
  const Moves moves = Fail(roots[0]);
  EXPECT_THAT(moves.stopped, ElementsAre(job));
  EXPECT_EQ(State(job, 2), StepState::kSkipped);
  EXPECT_EQ(Job(job).state, JobState::kRunning) << "b still runs";
  Outcome given_up{.ref = roots[1].ref, .attempt = roots[1].attempt};
  Commit({given_up});
  EXPECT_EQ(State(job, 1), StepState::kSkipped);
  const JobInfo info = Job(job);
  EXPECT_EQ(info.state, JobState::kFailed);
  EXPECT_EQ(info.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(info.steps.failed, 1u);
  EXPECT_EQ(info.steps.skipped, 2u);
}

TEST_P(TaskStoreTest, AJobThatRunsAllSkipsOnlyWhatNeedsAFailure) {
  const JobNumber job = Submit({{.id = "a"},
                                {.id = "b"},
                                {.id = "after-a", .needs = {"a"}},
                                {.id = "after-b", .needs = {"b"}},
                                {.id = "both", .needs = {"after-a", "after-b"}}},
                               {.run_all = true});
  const auto roots = Claim();
  Fail(roots[0]);
  EXPECT_EQ(State(job, 2), StepState::kSkipped);
  EXPECT_EQ(State(job, 4), StepState::kPending);
  Succeed(roots[1]);
  Succeed(Claim()[0]);
  EXPECT_EQ(State(job, 3), StepState::kSucceeded);
  EXPECT_EQ(State(job, 4), StepState::kSkipped);
  EXPECT_EQ(Job(job).state, JobState::kFailed);
}

TEST_P(TaskStoreTest, TheFailureStepRunsOnceAfterAllOthersAndOnlyIfOneFailed) {
  const std::vector<TestStep> steps = {{.id = "a"}, {.id = "b"}, {.id = "report"}};
  const JobNumber failing = Submit(steps, {}, 2);
  const auto roots = Claim();
  ASSERT_THAT(roots, SizeIs(2));
  Fail(roots[0]);
  EXPECT_THAT(Claim(), IsEmpty()) << "b has not ended";
  Succeed(roots[1]);
  const auto report = Claim();
  ASSERT_THAT(report, SizeIs(1));
  EXPECT_TRUE(store().ReadWork(report[0].ref)->is_failure_step);
  Succeed(report[0]);
  EXPECT_EQ(Job(failing).state, JobState::kFailed);

  const JobNumber succeeding = Submit(steps, {}, 2);
  for (const ClaimedStep& step : Claim()) Succeed(step);
  EXPECT_EQ(State(succeeding, 2), StepState::kSkipped);
  EXPECT_EQ(Job(succeeding).state, JobState::kSucceeded);
}

TEST_P(TaskStoreTest, CancelIsDurableAndReachesWhatRunsWaitsAndIsScheduled) {
  const JobNumber job = Submit({{.id = "runs"},
                                {.id = "ready"},
                                {.id = "scheduled", .countdown = absl::Hours(1)},
                                {.id = "pending", .needs = {"runs"}}});
  const auto running = Claim(1);
  const auto moves = store().Cancel(job, now());
  ASSERT_TRUE(moves.ok());
  EXPECT_THAT(moves->stopped, ElementsAre(job));
  harness_->Crash();
  Maintain();
  EXPECT_EQ(Job(job).state, JobState::kCancelled);
  for (uint32_t step = 0; step < 4; ++step) EXPECT_EQ(State(job, step), StepState::kCancelled);
  EXPECT_THAT(Claim(), IsEmpty());
  EXPECT_EQ(store().stats().scheduled, 0u);
  Succeed(running[0]);
  EXPECT_EQ(State(job, 0), StepState::kCancelled) << "its attempt is late";
  EXPECT_TRUE(store().Cancel(job, now()).ok()) << "once more is no error";
}

TEST_P(TaskStoreTest, StepsThatWaitForATimeAreReadyThenAlsoAfterAKill) {
  const JobNumber job = Submit({{.id = "later", .countdown = absl::Hours(2)}});
  EXPECT_EQ(State(job, 0), StepState::kScheduled);
  clock_.Advance(absl::Hours(1));
  Maintain();
  EXPECT_THAT(Claim(), IsEmpty());
  harness_->Crash();
  const auto moves = store().Maintain(now());
  ASSERT_TRUE(moves.ok());
  EXPECT_EQ(moves->next_due, now() + absl::Hours(1));
  clock_.Advance(absl::Hours(1));
  Maintain();
  const auto claimed = Claim();
  ASSERT_THAT(claimed, SizeIs(1));
  Commit({Retry(claimed[0], now() + absl::Seconds(5))});
  EXPECT_EQ(State(job, 0), StepState::kScheduled);
  clock_.Advance(absl::Seconds(5));
  Maintain();
  const auto again = Claim();
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].failures, 1u);
  EXPECT_EQ(again[0].attempt, 2u);
}

TEST_P(TaskStoreTest, ATimerIsMetAlsoBeforeThoseThatWereMetBefore) {
  Submit({{.id = "third", .countdown = absl::Hours(3)}});
  Submit({{.id = "first", .countdown = absl::Hours(1)}});
  clock_.Advance(absl::Hours(1));
  Maintain();
  Succeed(Claim(1).at(0));
  Submit({{.id = "second", .countdown = absl::Hours(1)}});
  for (int hour = 0; hour < 2; ++hour) {
    EXPECT_THAT(Claim(), IsEmpty());
    clock_.Advance(absl::Hours(1));
    Maintain();
    EXPECT_THAT(Claim(), SizeIs(1));
  }
}

TEST_P(TaskStoreTest, HigherPrioritiesGoFirstAndEqualOnesInTheirOrder) {
  Submit({{.id = "low", .priority = -10},
          {.id = "first"},
          {.id = "second"},
          {.id = "high", .priority = 10}});
  std::vector<uint32_t> order;
  for (int i = 0; i < 4; ++i) order.push_back(Claim(1).at(0).ref.step);
  EXPECT_THAT(order, ElementsAre(3, 1, 2, 0));
  // A step that becomes ready later goes before those that wait.
  Submit({{.id = "a"}, {.id = "b"}});
  const JobNumber urgent = Submit({{.id = "urgent", .priority = 1}});
  EXPECT_EQ(Claim(1).at(0).ref.job, urgent);
}

TEST_P(TaskStoreTest, QueuesArePausedAndLimitedAlsoAfterAKill) {
  Submit({{.id = "a", .queue = "slow"}, {.id = "b", .queue = "slow"}, {.id = "c"}});
  ASSERT_TRUE(store().ChangeQueue("slow", {.max_running = 1}, false).ok());
  ASSERT_TRUE(store().ChangeQueue("default", {.paused = true}, false).ok());
  harness_->Crash();
  EXPECT_THAT(Claim(10, "default"), IsEmpty());
  const auto first = Claim(10, "slow");
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_THAT(Claim(10, "slow"), IsEmpty());
  Succeed(first[0]);
  EXPECT_THAT(Claim(10, "slow"), SizeIs(1));
  ASSERT_TRUE(store().ChangeQueue("default", {.paused = false}, false).ok());
  EXPECT_THAT(Claim(10, "default"), SizeIs(1));
  const auto queues = store().Queues();
  ASSERT_THAT(queues, SizeIs(2));
  EXPECT_EQ(queues[1].name, "slow");
  EXPECT_EQ(queues[1].max_running, 1u);
  EXPECT_EQ(queues[1].running, 1u);
  EXPECT_EQ(store().ChangeQueue("none", {.paused = true}, false).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_P(TaskStoreTest, AnIdempotencyKeyLeadsToTheFirstJobAndAUniquenessKeyRefusesASecond) {
  const JobNumber job = Submit({{.id = "a"}}, {.idempotency_key = "once", .uniqueness_key = "one"});
  const auto again = store().Begin({.idempotency_key = "once"}, now());
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(again->already_submitted);
  EXPECT_EQ(again->job, job);
  const auto other = store().Begin({.tenant = "t", .idempotency_key = "once"}, now());
  ASSERT_TRUE(other.ok());
  EXPECT_FALSE(other->already_submitted) << "keys are those of a tenant";
  store().Abandon(other->job);
  EXPECT_EQ(store().Begin({.uniqueness_key = "one"}, now()).status().code(),
            absl::StatusCode::kAlreadyExists);
  Succeed(Claim()[0]);
  EXPECT_TRUE(store().Begin({.uniqueness_key = "one"}, now()).ok());
}

TEST_P(TaskStoreTest, OfTwoSubmissionsWithOneKeyTheFasterWins) {
  const JobOptions options = {.idempotency_key = "k", .result_ttl = absl::Hours(1)};
  const auto slow = store().Begin(options, now());
  ASSERT_TRUE(slow.ok());
  Append(slow->job, {{.id = "a"}});
  const JobNumber fast = Submit({{.id = "a"}}, options);
  const auto sealed = store().Seal(slow->job, GraphOf({{.id = "a"}}), {}, now());
  ASSERT_TRUE(sealed.ok()) << sealed.status();
  EXPECT_TRUE(sealed->begun.already_submitted);
  EXPECT_EQ(sealed->begun.job, fast);
  EXPECT_EQ(store().stats().jobs, 1u);
  EXPECT_EQ(store().stats().steps, 1u);
}

TEST_P(TaskStoreTest, DeadLettersRunAgainWithWhatWasSkippedBecauseOfThem) {
  const JobNumber job = Submit(
      {{.id = "a"}, {.id = "b"}, {.id = "c", .needs = {"a"}}, {.id = "d", .needs = {"a", "b"}}},
      {.run_all = true});
  const auto roots = Claim();
  Fail(roots[0]);
  EXPECT_EQ(store().Requeue(job, {0}, "", now()).status().code(),
            absl::StatusCode::kFailedPrecondition)
      << "the job has not ended";
  Succeed(roots[1]);
  ASSERT_EQ(Job(job).state, JobState::kFailed);
  EXPECT_EQ(store().stats().dead_letters, 1u);
  EXPECT_EQ(store().Requeue(job, {1}, "", now()).status().code(),
            absl::StatusCode::kFailedPrecondition)
      << "b has not failed";
  ASSERT_TRUE(store().Requeue(job, {0}, "override", now()).ok());
  harness_->Crash();
  Maintain();
  EXPECT_EQ(store().stats().dead_letters, 0u);
  const auto again = Claim();
  ASSERT_THAT(again, SizeIs(1)) << "b must not run again";
  EXPECT_EQ(again[0].ref.step, 0u);
  EXPECT_EQ(store().ReadWork(again[0].ref)->override, "override");
  Succeed(again[0]);
  for (const ClaimedStep& step : Claim()) Succeed(step);
  EXPECT_EQ(Job(job).state, JobState::kSucceeded);
  EXPECT_EQ(Job(job).steps.succeeded, 4u);
}

TEST_P(TaskStoreTest, JobsExpireAfterTheirEndWithAllTheyHave) {
  const JobNumber job =
      Submit({{.id = "a"}, {.id = "b"}}, {.idempotency_key = "k", .run_all = true});
  const auto claimed = Claim();
  Succeed(claimed[0], std::string(100'000, 'x'));
  clock_.Advance(absl::Hours(5));
  Maintain();
  EXPECT_TRUE(store().GetJob(job).ok()) << "it has not ended";
  Fail(claimed[1]);
  clock_.Advance(absl::Hours(1));
  Maintain();
  EXPECT_EQ(store().GetJob(job).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(store().ReadResult({job, 0}).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(Events(job), IsEmpty());
  EXPECT_THAT(store().ListDeadLetters(std::nullopt, 0, 10)->items, IsEmpty());
  const TaskStore::Stats stats = store().stats();
  EXPECT_EQ(stats.jobs, 0u);
  EXPECT_EQ(stats.steps, 0u);
  EXPECT_EQ(stats.dead_letters, 0u);
  EXPECT_FALSE(store().Begin({.idempotency_key = "k"}, now())->already_submitted);
}

TEST_P(TaskStoreTest, ListsComeInPages) {
  std::vector<JobNumber> jobs;
  for (int i = 0; i < 3; ++i) jobs.push_back(Submit({{.id = "a"}}, {.name = fmt::format("{}", i)}));
  const auto first = store().ListJobs(0, 2);
  ASSERT_TRUE(first.ok());
  ASSERT_THAT(first->items, SizeIs(2));
  EXPECT_EQ(first->items[0].number, jobs[2]);
  EXPECT_EQ(first->items[0].options.name, "2");
  const auto rest = store().ListJobs(first->next, 2);
  ASSERT_THAT(rest->items, SizeIs(1));
  EXPECT_EQ(rest->items[0].number, jobs[0]);
  EXPECT_EQ(rest->next, 0u);

  for (const ClaimedStep& step : Claim()) Fail(step);
  const auto letters = store().ListDeadLetters(std::nullopt, 0, 2);
  ASSERT_THAT(letters->items, SizeIs(2));
  ASSERT_TRUE(letters->next.has_value());
  EXPECT_THAT(store().ListDeadLetters(letters->next, 0, 2)->items, SizeIs(1));
  EXPECT_THAT(store().ListDeadLetters(std::nullopt, jobs[1], 2)->items,
              ElementsAre(StepRef{jobs[1], 0}));
}

TEST_P(TaskStoreTest, AFanOutBeyondOnePieceOfWorkIsToldWholeAlsoAfterAKill) {
  constexpr int kFan = 20'000;
  std::vector<TestStep> steps = {{.id = "root"}};
  std::vector<std::string> ids;
  for (int i = 0; i < kFan; ++i) {
    ids.push_back(fmt::format("{}", i));
    steps.push_back({.id = ids.back(), .needs = {"root"}});
  }
  steps.push_back({.id = "join", .needs = ids});
  const JobNumber job = Submit(steps);
  const auto root = Claim();
  ASSERT_THAT(root, SizeIs(1));
  ASSERT_TRUE(store().Commit({Success(root[0])}, now()).ok());
  harness_->Crash();
  Maintain();
  size_t run = 0;
  for (;;) {
    const auto claimed = Claim(5000);
    if (claimed.empty()) break;
    std::vector<Outcome> outcomes;
    for (const ClaimedStep& step : claimed) outcomes.push_back(Success(step));
    run += claimed.size();
    Commit(std::move(outcomes));
  }
  EXPECT_EQ(run, kFan + 1);
  EXPECT_EQ(Job(job).state, JobState::kSucceeded);
}

TEST_P(TaskStoreTest, ADeepChainIsSkippedWithoutRecursion) {
  constexpr int kDepth = 20'000;
  std::vector<TestStep> steps = {{.id = "0"}};
  for (int i = 1; i < kDepth; ++i) {
    steps.push_back({.id = fmt::format("{}", i), .needs = {fmt::format("{}", i - 1)}});
  }
  const JobNumber job = Submit(steps, {.run_all = true});
  Fail(Claim()[0]);
  EXPECT_EQ(Job(job).state, JobState::kFailed);
  EXPECT_EQ(Job(job).steps.skipped, static_cast<uint64_t>(kDepth - 1));
}

TEST_P(TaskStoreTest, TheStoreIsBounded) {
  Use({.max_steps = 2, .max_queues = 1});
  const auto begun = store().Begin({}, now());
  Append(begun->job, {{.id = "a"}});
  NewStep step;
  step.id = "b";
  step.queue = "other";
  EXPECT_EQ(store().Append(begun->job, {step}, {}).code(), absl::StatusCode::kResourceExhausted);
  step.queue = "default";
  EXPECT_EQ(store().Append(begun->job, {step, step}, {}).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(store().Append(begun->job, {step}, {}).ok());
  store().Abandon(begun->job);
  Maintain();
  EXPECT_EQ(store().stats().steps, 0u);
}

}  // namespace
}  // namespace souvenir::gateway
