// Random graphs with random outcomes, cancellations, duplicates, late answers and kills: what
// TaskStore promises must hold for each of them. The seed of a run that fails is printed.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/gateway/tasks/task_store_harness.h"

namespace souvenir::gateway {
namespace {

// Random jobs of one test: more of them where the tests that take many minutes run, too.
uint64_t Runs() {
  return std::getenv("SOUVENIR_ALL_TESTS") != nullptr ? 400 : 15;  // NOLINT(concurrency-mt-unsafe)
}

class TaskStorePropertyTest : public TaskStoreTest {
 protected:
  struct Submitted {
    JobNumber number = 0;
    std::vector<TestStep> steps;
    std::optional<uint32_t> failure_step;
    bool run_all = false;
    bool cancelled = false;
    std::set<uint32_t> ended;  // steps whose end was seen in an event
    std::set<uint32_t> succeeded;
    uint64_t events = 0;  // that were seen
    bool job_ended = false;
  };

  bool Chance(int percent) { return static_cast<int>(random_() % 100) < percent; }
  size_t Below(size_t most) { return random_() % most; }

  Submitted RandomJob() {
    Submitted job;
    const size_t size = 1 + Below(30);
    std::vector<std::string> ids;
    for (size_t i = 0; i < size; ++i) ids.push_back(fmt::format("s{}", i));
    for (size_t i = 0; i < size; ++i) {
      TestStep step{.id = ids[i]};
      std::set<size_t> needs;
      for (size_t edge = Below(4); i > 0 && edge > 0; --edge) needs.insert(Below(i));
      for (const size_t need : needs) step.needs.push_back(ids[need]);
      step.queue = Chance(30) ? "other" : "default";
      step.priority = static_cast<int>(Below(21)) - 10;
      if (Chance(10)) step.countdown = absl::Seconds(static_cast<int64_t>(Below(20)));
      job.steps.push_back(std::move(step));
    }
    // Steps come in any order.
    std::shuffle(job.steps.begin(), job.steps.end(), random_);
    job.run_all = Chance(50);
    if (Chance(30)) {
      job.failure_step = static_cast<uint32_t>(job.steps.size());
      job.steps.push_back({.id = "on-failure"});
    }
    job.number = Submit(job.steps, {.run_all = job.run_all}, job.failure_step);
    return job;
  }

  // Reads the events that came since, and checks them.
  void Follow(Submitted* job) {
    const auto events = store().ReadEvents(job->number, job->events + 1, 10'000);
    ASSERT_TRUE(events.ok()) << events.status();
    for (const TaskEvent& event : *events) {
      ASSERT_EQ(event.sequence, ++job->events);
      ASSERT_FALSE(job->job_ended) << "an event after the end of the job";
      if (event.job_ended) {
        job->job_ended = true;
        continue;
      }
      ASSERT_TRUE(HasEnded(event.state));
      ASSERT_TRUE(job->ended.insert(event.step).second)
          << "step " << event.step << " has ended twice";
      if (event.state == StepState::kSucceeded) job->succeeded.insert(event.step);
    }
  }

  void CheckClaim(const ClaimedStep& claimed) {
    Submitted* const job = Find(claimed.ref.job);
    ASSERT_NE(job, nullptr);
    Follow(job);
    ASSERT_FALSE(job->ended.contains(claimed.ref.step)) << "a step that has ended runs again";
    ASSERT_FALSE(job->cancelled) << "a step of a cancelled job runs";
    const TestStep& step = job->steps[claimed.ref.step];
    for (const std::string& need : step.needs) {
      ASSERT_TRUE(job->succeeded.contains(NumberOf(*job, need))) << "it runs before what it needs";
    }
    const bool is_failure_step = job->failure_step == claimed.ref.step;
    if (is_failure_step) {
      ASSERT_EQ(job->ended.size() + 1, job->steps.size());
    }
    const auto [known, is_new] = attempts_.try_emplace(claimed.ref, claimed.attempt);
    if (!is_new) {
      ASSERT_GT(claimed.attempt, known->second) << "an attempt runs twice";
      known->second = claimed.attempt;
    }
  }

  Submitted* Find(JobNumber number) {
    for (Submitted& job : jobs_) {
      if (job.number == number) return &job;
    }
    return nullptr;
  }
  static uint32_t NumberOf(const Submitted& job, const std::string& id) {
    for (uint32_t i = 0; i < job.steps.size(); ++i) {
      if (job.steps[i].id == id) return i;
    }
    return UINT32_MAX;
  }

  Outcome RandomOutcome(const ClaimedStep& step, int failing) {
    if (Chance(failing)) return Failure(step);
    if (Chance(15)) return Retry(step, now() + absl::Seconds(static_cast<int64_t>(Below(10))));
    if (Chance(5)) return {.ref = step.ref, .attempt = step.attempt};  // given up
    return Success(step);
  }

  // Does one random thing.
  void Act(int failing, int cancelling) {
    if (Chance(40)) {
      auto claimed = store().Claim(Chance(30) ? "other" : "default", 1 + Below(6));
      ASSERT_TRUE(claimed.ok()) << claimed.status();
      for (const ClaimedStep& step : *claimed) {
        ASSERT_NO_FATAL_FAILURE(CheckClaim(step));
        running_.push_back(step);
      }
    } else if (Chance(70) && !running_.empty()) {
      std::vector<Outcome> outcomes;
      for (size_t i = 1 + Below(4); i > 0 && !running_.empty(); --i) {
        const size_t at = Below(running_.size());
        outcomes.push_back(RandomOutcome(running_[at], failing));
        if (Chance(20)) outcomes.push_back(outcomes.back());
        past_.push_back(running_[at]);
        running_.erase(running_.begin() + static_cast<ptrdiff_t>(at));
      }
      if (Chance(20)) outcomes.push_back(Failure(past_[Below(past_.size())]));  // late
      ASSERT_TRUE(store().Commit(std::move(outcomes), now()).ok());
    } else if (Chance(60)) {
      ASSERT_TRUE(store().Maintain(now()).ok());
    } else if (Chance(30)) {
      clock_.Advance(absl::Seconds(static_cast<int64_t>(Below(5))));
    } else if (Chance(cancelling)) {
      Submitted& job = jobs_[Below(jobs_.size())];
      ASSERT_TRUE(store().Cancel(job.number, now()).ok());
      Follow(&job);
      job.cancelled = !job.job_ended || job.cancelled;
    } else if (Chance(10)) {
      // What was running comes again; the answers of these attempts are late.
      past_.insert(past_.end(), running_.begin(), running_.end());
      running_.clear();
      harness_->Crash();
    }
  }

  void RunToTheEnd(int failing, int cancelling) {
    for (int acts = 0; acts < 20'000; ++acts) {
      ASSERT_NO_FATAL_FAILURE(Act(failing, cancelling));
      bool all_ended = true;
      for (Submitted& job : jobs_) {
        if (acts % 10 == 0) {
          ASSERT_NO_FATAL_FAILURE(Follow(&job));
        }
        all_ended = all_ended && job.job_ended;
      }
      if (all_ended) return;
      if (acts % 50 == 0) clock_.Advance(absl::Seconds(1));
    }
    FAIL() << "a job does not end";
  }

  void CheckEnd(const Submitted& job) {
    const JobInfo info = Job(job.number);
    ASSERT_EQ(job.ended.size(), job.steps.size()) << "a step has not ended";
    std::map<StepState, uint64_t> counts;
    for (uint32_t i = 0; i < job.steps.size(); ++i) ++counts[State(job.number, i)];
    EXPECT_EQ(counts[StepState::kSucceeded], info.steps.succeeded);
    EXPECT_EQ(counts[StepState::kFailed], info.steps.failed);
    EXPECT_EQ(counts[StepState::kSkipped], info.steps.skipped);
    EXPECT_EQ(counts[StepState::kCancelled], info.steps.cancelled);
    EXPECT_EQ(info.steps.ended(), info.steps.total);
    EXPECT_EQ(info.state == JobState::kCancelled, info.steps.cancelled > 0);
    if (job.cancelled) return;
    EXPECT_EQ(info.steps.cancelled, 0u);
    EXPECT_EQ(info.state == JobState::kFailed, info.steps.failed > 0);
    for (uint32_t i = 0; i < job.steps.size(); ++i) {
      const StepState state = State(job.number, i);
      if (job.failure_step == i) {
        EXPECT_EQ(state == StepState::kSkipped, info.steps.failed == 0);
        continue;
      }
      bool can_run = true;
      for (const std::string& need : job.steps[i].needs) {
        can_run = can_run && State(job.number, NumberOf(job, need)) == StepState::kSucceeded;
      }
      if (!can_run) {
        EXPECT_EQ(state, StepState::kSkipped);
      }
      if (can_run && (job.run_all || info.steps.failed == 0)) {
        EXPECT_NE(state, StepState::kSkipped) << job.steps[i].id;
      }
    }
  }

  void Begin(uint64_t seed) {
    random_.seed(seed);
    jobs_.clear();
    running_.clear();
    past_.clear();
    attempts_.clear();
    // Small pieces, so that crashes and cancellations come between them.
    Use({.piece = seed % 2 == 0 ? size_t{3} : size_t{4096}});
    for (size_t i = 1 + Below(3); i > 0; --i) jobs_.push_back(RandomJob());
  }

  std::mt19937_64 random_;
  std::vector<Submitted> jobs_;
  std::vector<ClaimedStep> running_;
  std::vector<ClaimedStep> past_;  // attempts that the store should know to be over
  std::map<StepRef, uint32_t> attempts_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, TaskStorePropertyTest, testing::Values(RocksDbKind()));

TEST_P(TaskStorePropertyTest, EveryStepEndsOnceAndEveryJobEnds) {
  for (uint64_t seed = 1; seed <= Runs(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Begin(seed);
    ASSERT_NO_FATAL_FAILURE(RunToTheEnd(/*failing=*/seed % 3 == 0 ? 0 : 8, /*cancelling=*/10));
    for (const Submitted& job : jobs_) ASSERT_NO_FATAL_FAILURE(CheckEnd(job));
    const TaskStore::Stats stats = store().stats();
    EXPECT_EQ(stats.scheduled, 0u);
    for (const QueueInfo& queue : store().Queues()) {
      EXPECT_EQ(queue.ready, 0u) << queue.name;
      EXPECT_EQ(queue.running, 0u) << queue.name;
    }
    if (HasFailure()) return;
  }
}

TEST_P(TaskStorePropertyTest, JobsThatAreRunAgainDoOnlyWhatHasNotSucceeded) {
  for (uint64_t seed = 1000; seed < 1000 + Runs(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Begin(seed);
    ASSERT_NO_FATAL_FAILURE(RunToTheEnd(/*failing=*/15, /*cancelling=*/20));
    for (Submitted& job : jobs_) {
      const JobInfo info = Job(job.number);
      if (info.steps.failed + info.steps.cancelled == 0) continue;
      const auto moves = store().Requeue(job.number, {}, "", now());
      ASSERT_TRUE(moves.ok()) << moves.status();
      job.ended = job.succeeded;
      if (job.failure_step) {
        job.ended.erase(*job.failure_step);
        job.succeeded.erase(*job.failure_step);
      }
      job.cancelled = false;
      job.job_ended = false;
    }
    ASSERT_NO_FATAL_FAILURE(RunToTheEnd(/*failing=*/0, /*cancelling=*/0));
    for (const Submitted& job : jobs_) {
      ASSERT_NO_FATAL_FAILURE(CheckEnd(job));
      const JobInfo info = Job(job.number);
      EXPECT_EQ(info.state, JobState::kSucceeded);
      EXPECT_EQ(info.steps.succeeded + (job.failure_step ? 1 : 0), info.steps.total);
    }
    EXPECT_EQ(store().stats().dead_letters, 0u);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace souvenir::gateway
