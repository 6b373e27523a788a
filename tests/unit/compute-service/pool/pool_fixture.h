#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "compute-service/pool/pool.h"
#include "tests/fakes/fake_backend.h"
#include "tests/fakes/manual_clock.h"

namespace souvenir::compute {

using Result = absl::StatusOr<InferenceResult>;

// Messages of absl's own string type.
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
    auto model = backend_.Load({});
    ASSERT_TRUE(model.ok());
    pool_->Open(*std::move(model));
  }

  // A job with a row for each of `texts`, which it owns, and the future of its answer.
  std::pair<Job, std::future<Result>> MakeJob(const std::vector<std::string>& texts) {
    auto owned = std::make_shared<Tensor>();
    owned->shape = {static_cast<int64_t>(texts.size()), 1};
    for (const std::string& text : texts) AppendBytesElement(text, &owned->data);
    auto answer = std::make_shared<std::promise<Result>>();
    Job job;
    job.inputs = {{"text", DataType::kBytes, owned->shape, owned->data}};
    job.outputs = {"echo"};
    job.rows = owned->shape[0];
    job.done = [owned, answer](Result result) { answer->set_value(std::move(result)); };
    return {std::move(job), answer->get_future()};
  }

  std::future<Result> Submit(const std::string& text, JobId* id = nullptr,
                             absl::Duration timeout = absl::InfiniteDuration()) {
    auto [job, answer] = MakeJob({text});
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

  // One job that runs and does not end before HoldRuns(false).
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
