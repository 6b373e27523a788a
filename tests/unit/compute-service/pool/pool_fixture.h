#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "compute-service/pool/pool.h"
#include "tests/fakes/fake_backend.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/text_job.h"

namespace souvenir::compute {

// Returns a message as a std::string; Abseil has a string type of its own.
inline std::string Message(const absl::Status& status) { return std::string(status.message()); }

class PoolTest : public ::testing::Test {
 protected:
  void SetUp() override { Make({}); }

  void Make(Pool::Options options) {
    options.name = "echo";
    auto pool = Pool::Create(options, &clock_, &timers_);
    ASSERT_TRUE(pool.ok()) << pool.status();
    pool_ = *std::move(pool);
  }

  void Open() {
    auto model = backend_.Load({}, nullptr);
    ASSERT_TRUE(model.ok());
    pool_->Open(*std::move(model));
  }

  std::future<Result> Submit(const std::string& text, JobId* id = nullptr,
                             absl::Duration timeout = absl::InfiniteDuration()) {
    auto [job, answer] = MakeTextJob({text});
    job.deadline = clock_.Monotonic() + timeout;
    const absl::StatusOr<JobId> submitted = pool_->Submit(std::move(job));
    EXPECT_TRUE(submitted.ok()) << submitted.status();
    if (id != nullptr && submitted.ok()) *id = *submitted;
    return std::move(answer);
  }

  std::future<Result> Submit(std::pair<Job, std::future<Result>> made) {
    const absl::StatusOr<JobId> submitted = pool_->Submit(std::move(made.first));
    EXPECT_TRUE(submitted.ok()) << submitted.status();
    return std::move(made.second);
  }

  // Submits a job that runs until HoldRuns(false), and waits until it runs.
  std::future<Result> Occupy() {
    backend_.HoldRuns(true);
    const int runs = backend_.runs();
    std::future<Result> answer = Submit("occupier");
    backend_.WaitForRuns(runs + 1);
    return answer;
  }

  ManualClock clock_;
  TimerQueue timers_{&clock_, TimerQueue::Mode::kManual};
  FakeBackend backend_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace souvenir::compute
