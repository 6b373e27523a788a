#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "gateway/tasks/job_graph.h"
#include "gateway/tasks/task_store.h"
#include "tests/fakes/manual_clock.h"

namespace souvenir::gateway {

// A task store under test, which can be lost and opened again. Each kind of store has one, and they
// all pass the same tests.
class StoreHarness {
 public:
  struct Limits {
    uint64_t max_steps = 1'000'000;
    uint64_t max_bytes = uint64_t{8} << 30;
    uint32_t max_queues = 16;
    uint32_t max_lost_attempts = 1000;
    size_t piece = 4096;  // steps of one piece of work on a large job
  };

  virtual ~StoreHarness() = default;
  virtual TaskStore& store() = 0;
  // Ends the process of the store, as kill -9 does, and begins another one.
  virtual void Crash() = 0;
  // As Crash(), with another limit.
  virtual void CrashAndLimitQueues(uint32_t max_queues) = 0;
  // As Crash(), and bytes that cannot be read are in place of the record of a step; of the job if
  // `step` is nullopt.
  virtual void CrashAndDamage(JobNumber job, std::optional<uint32_t> step) = 0;
};

// A kind of store. Its name is a part of the names of the tests.
struct StoreKind {
  std::string name;
  std::function<std::unique_ptr<StoreHarness>(ManualClock* clock, const StoreHarness::Limits&)>
      make;
};
inline void PrintTo(const StoreKind& kind, std::ostream* out) { *out << kind.name; }

StoreKind RocksDbKind();  // rocksdb_harness.cc

// A step of a test's job.
struct TestStep {
  std::string id;
  std::vector<std::string> needs;
  std::string queue = "default";
  int priority = 0;
  absl::Duration countdown = absl::ZeroDuration();
};

// A fixture for all kinds of stores.
class TaskStoreTest : public testing::TestWithParam<StoreKind> {
 protected:
  TaskStoreTest() { Use({}); }

  // Begins anew with other limits.
  void Use(const StoreHarness::Limits& limits) {
    harness_ = nullptr;
    harness_ = GetParam().make(&clock_, limits);
  }

  TaskStore& store() { return harness_->store(); }
  absl::Time now() const { return clock_.Now(); }

  // Submits a job that must be accepted, and has its steps begun.
  JobNumber Submit(const std::vector<TestStep>& steps, JobOptions options = {},
                   std::optional<uint32_t> failure_step = std::nullopt) {
    options.result_ttl = absl::Hours(1);
    const auto begun = store().Begin(options, now());
    EXPECT_TRUE(begun.ok()) << begun.status();
    Append(begun->job, steps);
    const auto sealed =
        store().Seal(begun->job, GraphOf(steps), {.failure_step = failure_step}, now());
    EXPECT_TRUE(sealed.ok()) << sealed.status();
    Maintain();
    return sealed->begun.job;
  }

  void Append(JobNumber job, const std::vector<TestStep>& steps) {
    std::vector<NewStep> added;
    for (const TestStep& step : steps) {
      NewStep& to = added.emplace_back();
      to.id = step.id;
      to.queue = step.queue;
      to.priority = step.priority;
      to.needs = static_cast<uint32_t>(step.needs.size());
      to.countdown = step.countdown;
      to.spec = "spec of " + step.id;
    }
    const absl::Status appended = store().Append(job, std::move(added), {});
    EXPECT_TRUE(appended.ok()) << appended;
  }

  static JobGraph GraphOf(const std::vector<TestStep>& steps) {
    JobGraph graph({});
    for (const TestStep& step : steps) EXPECT_TRUE(graph.Add(step.id, step.needs).ok());
    EXPECT_TRUE(graph.Seal().ok());
    return graph;
  }

  // Lets the store do all that is due.
  void Maintain() {
    for (;;) {
      const auto moves = store().Maintain(now());
      ASSERT_TRUE(moves.ok()) << moves.status();
      if (!moves->more) return;
    }
  }

  std::vector<ClaimedStep> Claim(size_t most = 100, const std::string& queue = "default") {
    auto claimed = store().Claim(queue, most);
    EXPECT_TRUE(claimed.ok()) << claimed.status();
    return claimed.ok() ? *std::move(claimed) : std::vector<ClaimedStep>{};
  }

  Moves Commit(std::vector<Outcome> outcomes) {
    auto moves = store().Commit(std::move(outcomes), now());
    EXPECT_TRUE(moves.ok()) << moves.status();
    Maintain();
    return moves.ok() ? *std::move(moves) : Moves{};
  }
  Moves Succeed(const ClaimedStep& step, const std::string& result = "result") {
    return Commit({Success(step, result)});
  }
  Moves Fail(const ClaimedStep& step) { return Commit({Failure(step)}); }

  static Outcome Success(const ClaimedStep& step, const std::string& result = "result") {
    Outcome outcome{.ref = step.ref, .attempt = step.attempt};
    outcome.kind = Outcome::Kind::kSucceeded;
    outcome.result = result;
    return outcome;
  }
  static Outcome Failure(const ClaimedStep& step) {
    Outcome outcome{.ref = step.ref, .attempt = step.attempt};
    outcome.kind = Outcome::Kind::kFailed;
    outcome.status = absl::InvalidArgumentError("refused");
    outcome.reason = DeadLetterReason::kPermanent;
    return outcome;
  }
  static Outcome Retry(const ClaimedStep& step, absl::Time due) {
    Outcome outcome{.ref = step.ref, .attempt = step.attempt};
    outcome.kind = Outcome::Kind::kRetry;
    outcome.status = absl::InternalError("lost");
    outcome.due = due;
    return outcome;
  }

  JobInfo Job(JobNumber job) {
    const auto info = store().GetJob(job);
    EXPECT_TRUE(info.ok()) << info.status();
    return info.ok() ? *info : JobInfo{};
  }
  StepState State(JobNumber job, uint32_t step) {
    const auto info = store().GetStep({job, step}, false);
    EXPECT_TRUE(info.ok()) << info.status();
    return info.ok() ? info->state : StepState::kPending;
  }
  std::vector<TaskEvent> Events(JobNumber job) {
    const auto events = store().ReadEvents(job, 1, 1'000'000);
    EXPECT_TRUE(events.ok()) << events.status();
    return events.ok() ? *events : std::vector<TaskEvent>{};
  }

  ManualClock clock_;
  std::unique_ptr<StoreHarness> harness_;
};

}  // namespace souvenir::gateway
