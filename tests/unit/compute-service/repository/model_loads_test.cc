#include "compute-service/repository/model_loads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/timer_queue.h"
#include "tests/fakes/manual_clock.h"

namespace souvenir::compute {
namespace {

using ::testing::ElementsAre;

// Tests loads whose first job awaits a load that has ended already, so that the job is run again at
// once.
class ModelLoadsTest : public testing::Test {
 protected:
  ModelLoadsTest() {
    absl::StatusOr<std::unique_ptr<ModelLoads>> loads =
        ModelLoads::Create({.threads = 1,
                            .work = [this](const std::string&, LoadJob& job) { return Work(job); },
                            .signature = [](const std::string&) { return ""; }});
    EXPECT_TRUE(loads.ok()) << loads.status();
    loads_ = *std::move(loads);
  }

  std::optional<absl::Status> Work(LoadJob& job) {
    awaited_.push_back(job.Awaits(model_));
    if (awaited_.size() > 1) return job.why();
    while_first_runs_();
    job.Await(model_);
    return std::nullopt;
  }

  std::future<absl::Status> Load() {
    const auto done = std::make_shared<std::promise<absl::Status>>();
    loads_->Load("m", [done](absl::Status status) { done->set_value(std::move(status)); });
    return done->get_future();
  }

  ManualClock clock_;
  TimerQueue timers_{&clock_};
  const std::shared_ptr<ServedModel> model_ = ServedModel::Broken(
      {}, absl::UnavailableError("broken"), {.clock = &clock_, .timers = &timers_});
  std::function<void()> while_first_runs_ = [] {};
  std::vector<bool> awaited_;  // for each run, whether its job had awaited the model before
  std::unique_ptr<ModelLoads> loads_;
};

TEST_F(ModelLoadsTest, AJobThatAwaitsALoadIsWorkedOnAnew) {
  EXPECT_TRUE(Load().get().ok());
  loads_->Stop();
  EXPECT_THAT(awaited_, ElementsAre(false, true));
}

TEST_F(ModelLoadsTest, AJobThatNobodyAskedForIsWorkedOnAnewToo) {
  loads_->Reload("m");
  ASSERT_TRUE(loads_->WaitUntilIdle(clock_, absl::InfiniteDuration()));
  EXPECT_THAT(awaited_, ElementsAre(false, true));
  EXPECT_FALSE(loads_->UnderWay("m"));
}

TEST_F(ModelLoadsTest, AJobThatIsGivenUpWhileItRunsIsNotWorkedOnAnew) {
  while_first_runs_ = [this] { loads_->Cancel("m", absl::AbortedError("unloaded")); };
  EXPECT_EQ(Load().get(), absl::AbortedError("unloaded"));
  ASSERT_TRUE(loads_->WaitUntilIdle(clock_, absl::InfiniteDuration()));
  EXPECT_THAT(awaited_, ElementsAre(false));
  EXPECT_FALSE(loads_->UnderWay("m"));
}

TEST_F(ModelLoadsTest, WhoAsksAfterAJobWasGivenUpHasAJobOfItsOwn) {
  std::future<absl::Status> second;
  while_first_runs_ = [&] {
    loads_->Cancel("m", absl::AbortedError("unloaded"));
    second = Load();
  };
  EXPECT_EQ(Load().get(), absl::AbortedError("unloaded"));
  ASSERT_TRUE(loads_->WaitUntilIdle(clock_, absl::InfiniteDuration()));
  EXPECT_TRUE(second.get().ok());
  EXPECT_THAT(awaited_, ElementsAre(false, false));
}

TEST_F(ModelLoadsTest, AJobOfOlderContentIsNotKept) {
  while_first_runs_ = [this] { loads_->Reload("m"); };
  EXPECT_TRUE(Load().get().ok());
  loads_->Stop();
  EXPECT_THAT(awaited_, ElementsAre(false, false));
}

}  // namespace
}  // namespace souvenir::compute
