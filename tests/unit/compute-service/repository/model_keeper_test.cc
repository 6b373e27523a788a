#include "compute-service/repository/model_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/fakes/fake_backend.h"
#include "tests/fakes/manual_clock.h"
#include "tests/fakes/text_job.h"

namespace souvenir::compute {
namespace {

using ::testing::HasSubstr;

class ModelKeeperTest : public ::testing::Test {
 protected:
  ModelKeeperTest() { machine_.processors = 4; }

  void Create(const std::vector<std::string>& models, ModelKeeper::Options options) {
    for (const std::string& model : models) backend_.Offer({.config = EchoConfig(model)});
    ModelRepository::Options repository;
    repository.defaults = {.instances = 4, .fits_itself = true, .processors = 4};
    auto created = ModelRepository::Create(std::move(repository), {&backend_}, &clock_, &timers_);
    ASSERT_TRUE(created.ok()) << created.status();
    repository_ = *std::move(created);
    options.read_machine = [this] { return machine_; };
    keeper_ = std::make_unique<ModelKeeper>(std::move(options), repository_.get(), &clock_,
                                            ModelKeeper::Mode::kManual);
  }

  std::shared_ptr<ServedModel> Get(const std::string& name) { return *repository_->Find(name, ""); }

  std::future<Result> Ask(const std::string& name) { return AskText(*Get(name), "hello"); }

  void TickFor(absl::Duration length) {
    for (absl::Duration passed; passed < length; passed += absl::Milliseconds(250)) {
      clock_.Advance(absl::Milliseconds(250));
      keeper_->Tick();
    }
  }

  ManualClock clock_;
  TimerQueue timers_{&clock_, TimerQueue::Mode::kManual};
  Machine machine_;
  FakeBackend backend_;
  std::unique_ptr<ModelRepository> repository_;
  std::unique_ptr<ModelKeeper> keeper_;
};

TEST_F(ModelKeeperTest, AModelWhoseRequestsWaitGetsMoreInstances) {
  Create({"m"}, {});
  backend_.HoldRuns(true);
  std::vector<std::future<Result>> answers;
  for (int i = 0; i < 8; ++i) answers.push_back(Ask("m"));
  backend_.WaitForRuns(1);
  EXPECT_EQ(Get("m")->Stats().instances, 1u);
  for (int instances = 2; instances <= 4; ++instances) {
    TickFor(absl::Seconds(2));
    backend_.WaitForRuns(instances);
  }
  TickFor(absl::Seconds(2));
  EXPECT_EQ(Get("m")->Stats().instances, 4u);
  backend_.HoldRuns(false);
  for (auto& answer : answers) EXPECT_TRUE(answer.get().ok());
}

TEST_F(ModelKeeperTest, AMachineThatOthersOverloadGetsNoMore) {
  Create({"m"}, {});
  machine_.load = 9;
  backend_.HoldRuns(true);
  std::vector<std::future<Result>> answers;
  for (int i = 0; i < 8; ++i) answers.push_back(Ask("m"));
  backend_.WaitForRuns(1);
  TickFor(absl::Seconds(5));
  EXPECT_EQ(Get("m")->Stats().instances, 1u);
  backend_.HoldRuns(false);
}

TEST_F(ModelKeeperTest, AModelThatHangsIsUnhealthyUntilItComesBack) {
  Create({"m"}, {});
  backend_.HoldRuns(true);
  std::future<Result> hanging = Ask("m");
  backend_.WaitForRuns(1);
  TickFor(absl::Seconds(12));  // the limit for a row is 10
  EXPECT_FALSE(Get("m")->can_be_asked());
  EXPECT_THAT(Get("m")->status().reason, HasSubstr("hangs"));
  const absl::Status refused = Ask("m").get().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("isolation = \"process\""));
  backend_.HoldRuns(false);
  EXPECT_TRUE(hanging.get().ok());
  TickFor(absl::Milliseconds(250));
  EXPECT_TRUE(Get("m")->can_be_asked());
  EXPECT_TRUE(Ask("m").get().ok());
}

TEST_F(ModelKeeperTest, ModelsThatHaveBeenIdleLongestAreUnloadedToKeepTheBudget) {
  backend_.SetMemoryBytes(100);
  Create({"a", "b", "c"}, {.memory_budget_bytes = 250});
  for (const char* model : {"b", "a", "c"}) {
    EXPECT_TRUE(Ask(model).get().ok());
    clock_.Advance(absl::Seconds(1));
  }
  TickFor(absl::Seconds(2));
  EXPECT_EQ(Get("a")->status().state, ModelState::kReady);
  EXPECT_EQ(Get("b")->status().state, ModelState::kOnDemand);
  EXPECT_EQ(Get("c")->status().state, ModelState::kReady);
  EXPECT_EQ(backend_.live_models(), 2);
  EXPECT_TRUE(Ask("b").get().ok());  // loaded again
  EXPECT_EQ(backend_.loads(), 4);
  TickFor(absl::Seconds(2));
  EXPECT_EQ(Get("a")->status().state, ModelState::kOnDemand);
}

TEST_F(ModelKeeperTest, AModelThatHasSomethingToDoIsNotUnloaded) {
  backend_.SetMemoryBytes(100);
  Create({"a", "b"}, {.memory_budget_bytes = 50});
  EXPECT_TRUE(Ask("b").get().ok());
  backend_.HoldRuns(true);
  std::future<Result> running = Ask("a");
  backend_.WaitForRuns(2);
  TickFor(absl::Seconds(4));
  EXPECT_EQ(Get("a")->status().state, ModelState::kReady);
  backend_.HoldRuns(false);
  EXPECT_TRUE(running.get().ok());
}

TEST_F(ModelKeeperTest, TheThreadLooksUntilItIsStopped) {
  Create({"m"}, {});
  std::promise<void> looked;
  std::once_flag once;
  ModelKeeper::Options options;
  options.interval = absl::Milliseconds(1);
  options.read_machine = [&] {
    std::call_once(once, [&] { looked.set_value(); });
    return Machine();
  };
  ModelKeeper keeper(std::move(options), repository_.get(), &clock_);
  looked.get_future().wait();
  keeper.Stop();
}

}  // namespace
}  // namespace souvenir::compute
