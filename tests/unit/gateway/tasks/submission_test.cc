#include "gateway/tasks/submission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "gateway/tasks/step_codec.h"
#include "tests/unit/gateway/tasks/task_store_harness.h"
#include "tests/unit/gateway/test_models.h"

namespace souvenir::gateway {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::string Message(const absl::Status& status) { return std::string(status.message()); }

// Submits steps of the model "m", which takes BYTES "in" of shape [-1, 1] and answers "out".
class SubmissionTest : public TaskStoreTest {
 protected:
  SubmissionTest() {
    souvenir::state::v1::KnownModels models;
    *models.add_models() = TextModel("m", "in", "out");
    auto numbers = TextModel("numbers", "in", "out");
    numbers.mutable_metadata()->mutable_inputs(0)->set_datatype("INT64");
    *models.add_models() = numbers;
    catalog_.Update(models);
    New();
  }

  void New(const Submission::Limits& limits = {}) {
    submission_ = std::make_unique<Submission>(
        limits, Submission::Parts{
                    .clock = &clock_, .store = &store(), .catalog = &catalog_, .open = &open_});
  }

  static StepRequest Step(const std::string& id) {
    StepRequest step;
    step.id = id;
    step.spec.model = "m";
    step.spec.inputs.push_back(
        {.name = "in",
         .source = LiteralInput{
             .datatype = DataType::kBytes, .shape = {1, 1}, .data = FrameBytesElement("hello")}});
    return step;
  }
  static StepRequest After(const std::string& id, const std::string& need) {
    StepRequest step = Step(id);
    step.needs = {need};
    step.spec.inputs[0].source = OutputInput{.need = 0};
    return step;
  }

  absl::Status Submitted(std::vector<StepRequest> steps, JobOptions options = {}) {
    New();
    absl::Status status = submission_->Begin(std::move(options));
    if (status.ok()) status = submission_->Add(std::move(steps));
    if (status.ok()) status = submission_->Seal().status();
    return status;
  }

  void ExpectRefused(StepRequest step, const std::string& message) {
    const absl::Status status = Submitted({std::move(step)});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(Message(status), HasSubstr(message));
  }

  Catalog catalog_{Catalog::Options{}};
  std::atomic<size_t> open_{0};
  std::unique_ptr<Submission> submission_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, SubmissionTest, testing::Values(RocksDbKind()));

TEST_P(SubmissionTest, AJobIsAcceptedWithItsDefaults) {
  ASSERT_TRUE(Submitted({After("b", "a"), Step("a")}).ok());
  Maintain();
  const JobInfo job = Job(submission_->job());
  EXPECT_EQ(job.steps.total, 2u);
  EXPECT_EQ(job.options.result_step, "b");
  EXPECT_EQ(job.options.result_ttl, absl::Hours(24));
  const auto claimed = Claim();
  ASSERT_THAT(claimed, SizeIs(1));
  const auto spec = DecodeStep(store().ReadWork(claimed[0].ref)->spec);
  ASSERT_TRUE(spec.ok());
  EXPECT_EQ(spec->model, "m");
}

TEST_P(SubmissionTest, WhatIsRefusedLeavesNothing) {
  EXPECT_FALSE(Submitted({Step("a"), After("b", "missing")}).ok());
  submission_ = nullptr;
  Maintain();
  EXPECT_EQ(store().stats().steps, 0u);
  EXPECT_EQ(store().stats().jobs, 0u);
  EXPECT_THAT(Claim(), IsEmpty());
}

TEST_P(SubmissionTest, FaultsComeWithTheirPath) {
  StepRequest unknown = Step("a");
  unknown.spec.model = "mm";
  ExpectRefused(unknown, "steps[0] 'a': call: ");
  ExpectRefused(unknown, "mm");

  StepRequest input = Step("a");
  input.spec.inputs[0].name = "text";
  ExpectRefused(input, "steps[0] 'a': call: there is no input 'text'; model 'm' has in");

  StepRequest none = Step("a");
  none.spec.inputs.clear();
  ExpectRefused(none, "input 'in' is missing");

  StepRequest twice = Step("a");
  twice.spec.inputs.push_back(twice.spec.inputs[0]);
  ExpectRefused(twice, "input 'in' comes twice");

  StepRequest datatype = Step("a");
  std::get<LiteralInput>(datatype.spec.inputs[0].source).datatype = DataType::kInt64;
  ExpectRefused(datatype, "input 'in' has the datatype INT64; it must be BYTES");

  StepRequest reshape = Step("a");
  reshape.spec.inputs[0].reshape = {2, 2};
  ExpectRefused(reshape, "steps[0] 'a': inputs[0] 'in': the shape [1, 1] cannot become [2, 2]");

  StepRequest queue = Step("a");
  queue.queue = "Mail!";
  ExpectRefused(queue, "steps[0] 'a': queue: 'Mail!' came");

  StepRequest priority = Step("a");
  priority.priority = 11;
  ExpectRefused(priority, "priority: 11 came");

  StepRequest retry = Step("a");
  retry.spec.retry.jitter = std::numeric_limits<double>::quiet_NaN();
  ExpectRefused(retry, "retry.jitter");
  retry.spec.retry = {.max_attempts = 0};
  ExpectRefused(retry, "retry.max_attempts: 0 came");

  StepRequest limit = Step("a");
  limit.spec.time_limit = absl::ZeroDuration();
  ExpectRefused(limit, "time_limit");

  StepRequest failures = Step("a");
  failures.spec.inputs[0].source = FailuresInput{};
  ExpectRefused(failures, "for options.failure_step alone");
}

TEST_P(SubmissionTest, TimesFarAheadAreRefusedAndPastOnesAreNoLimit) {
  StepRequest far = Step("a");
  far.not_before = absl::FromUnixSeconds(253'402'300'799);  // in the year 9999
  ExpectRefused(far, "tasks.max_delay_seconds");
  StepRequest countdown = Step("a");
  countdown.countdown = absl::Hours(24 * 400);
  ExpectRefused(countdown, "tasks.max_delay_seconds");
  countdown.countdown = -absl::Seconds(1);
  ExpectRefused(countdown, "countdown");
  StepRequest past = Step("a");
  past.not_before = absl::UnixEpoch() - absl::Hours(24);
  ASSERT_TRUE(Submitted({past}).ok());
  Maintain();
  EXPECT_THAT(Claim(), SizeIs(1));
}

TEST_P(SubmissionTest, OutputsThatDoNotFitAnInputAreRefusedInAnyOrder) {
  StepRequest wrong = After("b", "a");
  std::get<OutputInput>(wrong.spec.inputs[0].source).output = "none";
  for (const bool earlier : {false, true}) {
    std::vector<StepRequest> steps = {wrong, Step("a")};
    if (earlier) std::swap(steps[0], steps[1]);
    const absl::Status status = Submitted(std::move(steps));
    EXPECT_THAT(Message(status), HasSubstr("model 'm' has no output 'none'; there are: out"));
    EXPECT_THAT(Message(status), HasSubstr("'b'"));
  }
  StepRequest numbers = After("n", "a");
  numbers.spec.model = "numbers";
  EXPECT_THAT(Message(Submitted({Step("a"), numbers})),
              HasSubstr("input 'in' has the datatype BYTES; it must be INT64"));
}

TEST_P(SubmissionTest, OptionsAreChecked) {
  const auto message = [&](JobOptions options) {
    return Message(Submitted({Step("a"), Step("b")}, std::move(options)));
  };
  EXPECT_THAT(message({.name = std::string(300, 'x')}), HasSubstr("options.name: 300 bytes"));
  EXPECT_THAT(message({.name = "a\nb"}), HasSubstr("options.name"));
  EXPECT_THAT(message({.result_ttl = absl::Hours(24 * 31)}), HasSubstr("options.result_ttl"));
  EXPECT_THAT(message({.failure_step = "c"}), HasSubstr("there is no step 'c'"));
  EXPECT_THAT(message({.result_step = "c"}), HasSubstr("options.result_step"));
  EXPECT_THAT(Message(Submitted({Step("a"), After("b", "a")}, {.failure_step = "b"})),
              HasSubstr("runs when all others have ended"));
  EXPECT_TRUE(Submitted({Step("a"), Step("b")}, {.failure_step = "b"}).ok());
}

TEST_P(SubmissionTest, TheBytesOfAJobAreBounded) {
  New({.max_job_bytes = 10'000});
  ASSERT_TRUE(submission_->Begin({}).ok());
  StepRequest large = Step("a");
  std::get<LiteralInput>(large.spec.inputs[0].source).data =
      FrameBytesElement(std::string(20'000, 'x'));
  const absl::Status status = submission_->Add({large});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(status), HasSubstr("more than 10000 bytes"));

  // The ids of the steps that a step needs count, too.
  New({.max_job_bytes = 10'000});
  ASSERT_TRUE(submission_->Begin({}).ok());
  StepRequest needy = Step("a");
  for (int i = 0; i < 100; ++i) {
    needy.needs.push_back(std::to_string(i).append(std::string(200, 'x')));
  }
  EXPECT_EQ(submission_->Add({needy}).code(), absl::StatusCode::kResourceExhausted);
}

TEST_P(SubmissionTest, TheNumberOfSubmissionsIsBounded) {
  New({.max_open = 1});
  ASSERT_TRUE(submission_->Begin({}).ok());
  const std::unique_ptr<Submission> first = std::move(submission_);
  New({.max_open = 1});
  const absl::Status status = submission_->Begin({});
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(Message(status), HasSubstr("1 jobs are being submitted, and the limit is 1"));
  submission_ = nullptr;
  EXPECT_EQ(open_.load(), 1u);
}

TEST_P(SubmissionTest, AKeyThatWasUsedAnswersWithItsJob) {
  ASSERT_TRUE(Submitted({Step("a")}, {.idempotency_key = "k"}).ok());
  const JobNumber job = submission_->job();
  New();
  ASSERT_TRUE(submission_->Begin({.idempotency_key = "k"}).ok());
  EXPECT_TRUE(submission_->already_submitted());
  EXPECT_EQ(submission_->job(), job);
}

}  // namespace
}  // namespace souvenir::gateway
