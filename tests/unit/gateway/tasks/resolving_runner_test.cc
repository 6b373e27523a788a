#include "gateway/tasks/resolving_runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "common/tensor/tensor_codec.h"
#include "gateway/tasks/store/rocksdb_task_store.h"
#include "gateway/tasks/submission.h"
#include "tests/unit/gateway/resolve/resolver_fixture.h"

namespace souvenir::gateway {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

// Runs steps of the model "m", which answers each text in angle brackets.
class ResolvingRunnerTest : public ResolverTest {
 protected:
  ResolvingRunnerTest() {
    RocksDbTaskStore::Options options;
    options.directory = task_directory_.path() + "/tasks";
    options.clock = &clock_;
    store_ = *RocksDbTaskStore::Open(options);
  }

  static LiteralInput Texts(const std::vector<std::string>& texts) {
    LiteralInput literal{.datatype = DataType::kBytes,
                         .shape = {static_cast<int64_t>(texts.size()), 1}};
    for (const std::string& text : texts) AppendBytesElement(text, &literal.data);
    return literal;
  }
  static StepRequest Step(const std::string& id, const std::vector<std::string>& texts) {
    StepRequest step;
    step.id = id;
    step.spec.model = "m";
    step.spec.inputs.push_back({.name = "in", .source = Texts(texts)});
    return step;
  }

  // Submits a job, and returns its first steps as they are claimed.
  std::vector<ClaimedStep> Submit(std::vector<StepRequest> steps, const std::string& tenant = "") {
    std::atomic<size_t> open{0};
    Submission submission(
        {}, {.clock = &clock_, .store = store_.get(), .catalog = &catalog_, .open = &open});
    EXPECT_TRUE(submission.Begin({.tenant = tenant, .result_ttl = absl::Hours(1)}).ok());
    const absl::Status added = submission.Add(std::move(steps));
    EXPECT_TRUE(added.ok()) << added;
    EXPECT_TRUE(submission.Seal().ok());
    EXPECT_TRUE(store_->Maintain(clock_.Now()).ok());
    return *store_->Claim("default", 100);
  }

  // Starts a step. Its result goes into `result_`.
  std::shared_ptr<StepRunner::Attempt> Start(const ClaimedStep& step,
                                             const ResolvingRunner::Options& options = {}) {
    runner_ = std::make_unique<ResolvingRunner>(
        options, ResolvingRunner::Parts{.clock = &clock_,
                                        .store = store_.get(),
                                        .catalog = &catalog_,
                                        .resolver = resolver_.get()});
    result_.reset();
    auto attempt = runner_->Start(
        step,
        [this](const std::string& model) {
          asked_for_ = model;
          return is_there_;
        },
        [this](StepResult result) {
          ASSERT_FALSE(result_.has_value()) << "told twice";
          result_ = std::move(result);
        });
    executor_.RunAll();
    return attempt;
  }

  std::vector<std::string> ResultTexts() {
    std::vector<std::string> texts;
    if (!result_ || !result_->outputs.ok()) return texts;
    const auto outputs = DecodedTensors::Decode(*result_->outputs);
    BytesElementReader reader(outputs->Find("out")->data);
    while (const auto text = reader.Next()) texts.emplace_back(*text);
    return texts;
  }

  TemporaryDirectory task_directory_;
  std::unique_ptr<RocksDbTaskStore> store_;
  std::unique_ptr<ResolvingRunner> runner_;
  std::optional<StepResult> result_;
  bool is_there_ = true;  // the model, says the gate
  std::string asked_for_;
};

TEST_F(ResolvingRunnerTest, RowsAreRememberedOneByOne) {
  upstream_.AnswerAllWith(Bracket);
  const auto first = Submit({Step("a", {"one", "two"})});
  ASSERT_THAT(first, SizeIs(1));
  Start(first[0]);
  EXPECT_THAT(ResultTexts(), testing::ElementsAre("<one>", "<two>"));
  EXPECT_EQ(result_->rows, 2u);
  EXPECT_EQ(result_->remembered_rows, 0u);
  const size_t calls = upstream_.calls();
  Start(Submit({Step("b", {"two", "three", "one"})})[0]);
  EXPECT_THAT(ResultTexts(), testing::ElementsAre("<two>", "<three>", "<one>"));
  EXPECT_EQ(result_->remembered_rows, 2u);
  EXPECT_EQ(upstream_.calls(), calls + 1);
}

TEST_F(ResolvingRunnerTest, StepsGoBehindInteractiveCalls) {
  Start(Submit({Step("a", {"one"})})[0]);
  ASSERT_EQ(upstream_.calls(), 1u);
  EXPECT_EQ(upstream_.request(0).parameters().at("priority").int64_param(), 9);
  upstream_.Answer(0, Bracket);
  EXPECT_THAT(ResultTexts(), testing::ElementsAre("<one>"));
}

TEST_F(ResolvingRunnerTest, TenantsDoNotSeeEachOthersAnswers) {
  upstream_.AnswerAllWith(Bracket);
  Start(Submit({Step("a", {"one"})}, "x")[0]);
  EXPECT_EQ(result_->remembered_rows, 0u);
  Start(Submit({Step("a", {"one"})}, "y")[0]);
  EXPECT_EQ(result_->remembered_rows, 0u);
  Start(Submit({Step("a", {"one"})}, "x")[0]);
  EXPECT_EQ(result_->remembered_rows, 1u);
}

TEST_F(ResolvingRunnerTest, AnErrorOfTheModelIsTheResult) {
  const auto attempt = Start(Submit({Step("a", {"one"})})[0]);
  upstream_.Fail(0, absl::InvalidArgumentError("not this text"));
  ASSERT_TRUE(result_.has_value());
  EXPECT_EQ(result_->outputs.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ResolvingRunnerTest, AnAttemptEndsAtItsTimeLimit) {
  StepRequest step = Step("a", {"one"});
  step.spec.time_limit = absl::Seconds(2);
  const auto attempt = Start(Submit({step})[0]);
  EXPECT_FALSE(result_.has_value());
  clock_.Advance(absl::Seconds(2));
  timers_.RunDue();
  ASSERT_TRUE(result_.has_value());
  EXPECT_EQ(result_->outputs.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(ResolvingRunnerTest, CancelEndsAnAttemptOnce) {
  const auto attempt = Start(Submit({Step("a", {"one"})})[0]);
  attempt->Cancel();
  ASSERT_TRUE(result_.has_value());
  EXPECT_EQ(result_->outputs.status().code(), absl::StatusCode::kCancelled);
  attempt->Cancel();
}

TEST_F(ResolvingRunnerTest, AStepWhoseModelIsAwayAsksNobody) {
  is_there_ = false;
  Start(Submit({Step("a", {"one"})})[0]);
  EXPECT_EQ(asked_for_, "m");
  ASSERT_TRUE(result_.has_value());
  EXPECT_EQ(result_->outputs.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(upstream_.calls(), 0u);
}

TEST_F(ResolvingRunnerTest, AModelThatHasGoneIsNotFound) {
  const auto claimed = Submit({Step("a", {"one"})});
  souvenir::state::v1::KnownModels models;
  *models.add_models() = TextModel("other", "in", "out");
  catalog_.Update(models);
  Start(claimed[0]);
  ASSERT_TRUE(result_.has_value());
  EXPECT_EQ(result_->outputs.status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ResolvingRunnerTest, AResultAboveTheLimitFailsForGood) {
  upstream_.AnswerAllWith(Bracket);
  Start(Submit({Step("a", {std::string(500, 'x')})})[0], {.max_result_bytes = 100});
  ASSERT_TRUE(result_.has_value());
  EXPECT_EQ(result_->outputs.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(result_->outputs.status().message()), HasSubstr("more than 100 bytes"));
}

}  // namespace
}  // namespace souvenir::gateway
