#include "gateway/rpc/task_messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "common/tensor/elements.h"
#include "common/tensor/tensor_codec.h"

namespace souvenir::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

v1::Step AStep() {
  v1::Step step;
  step.set_id("sum");
  step.mutable_call()->set_model("m");
  return step;
}

v1::StepInput* AddInput(const std::string& name, v1::Step* step) {
  v1::StepInput* const input = step->mutable_call()->add_inputs();
  input->set_name(name);
  return input;
}

std::string Fault(const v1::Step& step) {
  return std::string(ReadStep(3, step).status().message());
}

TEST(TaskMessages, AStepComesWithItsInputsAndWhatItNeeds) {
  v1::Step step = AStep();
  step.set_queue("q");
  step.set_priority(-3);
  step.add_after("b");
  step.add_after("c");
  step.mutable_time_limit()->set_seconds(2);
  step.mutable_countdown()->set_nanos(5'000'000);
  step.mutable_retry()->set_max_attempts(9);
  step.mutable_retry()->set_max_unavailable(0);
  step.mutable_retry()->mutable_max_backoff()->set_seconds(7);
  (*step.mutable_call()->mutable_parameters())["k"].set_string_param("v");
  auto* const literal = AddInput("literal", &step)->mutable_literal();
  literal->set_datatype("INT64");
  literal->add_shape(2);
  literal->mutable_contents()->add_int64_contents(7);
  literal->mutable_contents()->add_int64_contents(-7);
  auto* const row = AddInput("row", &step)->mutable_output();
  row->set_step("a");
  row->set_row(0);
  v1::StepInput* const gathered = AddInput("gathered", &step);
  gathered->mutable_gather()->add_steps("b");
  gathered->mutable_gather()->add_steps("a");
  gathered->add_reshape(-1);

  const auto read = ReadStep(3, step);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->id, "sum");
  EXPECT_EQ(read->queue, "q");
  EXPECT_EQ(read->priority, -3);
  EXPECT_THAT(read->needs, ElementsAre("a", "b", "c"));
  EXPECT_EQ(read->spec.time_limit, absl::Seconds(2));
  EXPECT_EQ(read->countdown, absl::Milliseconds(5));
  EXPECT_EQ(read->not_before, absl::InfinitePast());
  EXPECT_EQ(read->spec.retry.max_attempts, 9u);
  EXPECT_EQ(read->spec.retry.max_unavailable, 0u);
  EXPECT_EQ(read->spec.retry.max_backoff, absl::Seconds(7));
  EXPECT_EQ(read->spec.retry.initial_backoff, absl::Seconds(1));
  EXPECT_THAT(read->spec.parameters, ElementsAre(Parameter{"k", std::string("v")}));
  EXPECT_THAT(ToElements<int64_t>(std::get<LiteralInput>(read->spec.inputs[0].source).data),
              ElementsAre(7, -7));
  EXPECT_EQ(std::get<OutputInput>(read->spec.inputs[1].source).row, 0);
  EXPECT_THAT(std::get<GatheredInput>(read->spec.inputs[2].source).needs, ElementsAre(1, 0));
  EXPECT_THAT(read->spec.inputs[2].reshape, ElementsAre(-1));
}

TEST(TaskMessages, FaultsComeWithTheirPath) {
  v1::Step no_source = AStep();
  AddInput("in", &no_source);
  EXPECT_THAT(Fault(no_source), HasSubstr("steps[3] 'sum': inputs[0] 'in': no source came"));

  v1::Step both = AStep();
  auto* const literal = AddInput("in", &both)->mutable_literal();
  literal->set_datatype("INT64");
  literal->set_raw("12345678");
  literal->mutable_contents()->add_int64_contents(1);
  EXPECT_THAT(Fault(both), HasSubstr("both raw and contents came"));
  literal->clear_contents();
  literal->add_shape(2);
  EXPECT_THAT(Fault(both), HasSubstr("steps[3] 'sum': inputs[0] 'in': "));

  v1::Step nobody = AStep();
  AddInput("in", &nobody)->mutable_gather();
  EXPECT_THAT(Fault(nobody), HasSubstr("gather.steps: none came"));

  v1::Step model = AStep();
  model.mutable_call()->clear_model();
  EXPECT_THAT(Fault(model), HasSubstr("steps[3] 'sum': call.model"));

  v1::Step parameter = AStep();
  (*parameter.mutable_call()->mutable_parameters())["priority"].set_int64_param(1);
  EXPECT_THAT(Fault(parameter), HasSubstr("'priority' came"));

  v1::Step duration = AStep();
  duration.mutable_time_limit()->set_nanos(2'000'000'000);
  EXPECT_THAT(Fault(duration), HasSubstr("time_limit: 0 s and 2000000000 ns came"));

  v1::Step time = AStep();
  time.mutable_not_before()->set_seconds(300'000'000'000);
  EXPECT_THAT(Fault(time), HasSubstr("not_before"));
}

TEST(TaskMessages, OptionsAreRead) {
  v1::JobOptions options;
  options.set_name("n");
  options.set_failure_policy(v1::FAILURE_POLICY_RUN_ALL);
  auto read = ReadJobOptions(options, "tenant");
  ASSERT_TRUE(read.ok());
  EXPECT_TRUE(read->run_all);
  EXPECT_EQ(read->tenant, "tenant");
  EXPECT_LT(read->result_ttl, absl::ZeroDuration()) << "the default is chosen later";
  options.set_failure_policy(static_cast<v1::FailurePolicy>(77));
  EXPECT_THAT(std::string(ReadJobOptions(options, "").status().message()), HasSubstr("77 came"));
  options.clear_failure_policy();
  options.mutable_result_ttl()->set_seconds(-1);
  EXPECT_FALSE(ReadJobOptions(options, "").ok());
}

TEST(TaskMessages, FiltersAndPagesAreRead) {
  EXPECT_EQ(*ReadFilter(v1::JOB_STATE_FAILED), JobState::kFailed);
  EXPECT_EQ(*ReadFilter(v1::JOB_STATE_UNSPECIFIED), std::nullopt);
  EXPECT_FALSE(ReadFilter(static_cast<v1::JobState>(9)).ok());
  EXPECT_EQ(*ReadFilter(v1::STEP_STATE_READY), StepState::kReady);
  EXPECT_FALSE(ReadFilter(static_cast<v1::StepState>(99)).ok());
  EXPECT_EQ(*ReadPageSize(0), 100u);
  EXPECT_EQ(*ReadPageSize(1000), 1000u);
  EXPECT_FALSE(ReadPageSize(1001).ok());
}

TEST(TaskMessages, OutputsComeWithOrWithoutTheirBytes) {
  const std::string data = FromElements<int64_t>({1, 2});
  const std::vector<int64_t> shape = {2};
  const TensorView tensor{"OUT", DataType::kInt64, shape, data};
  const std::string result = EncodeTensors({&tensor, 1});
  google::protobuf::RepeatedPtrField<v1::OutputTensor> outputs;
  ASSERT_TRUE(WriteOutputs(result, true, &outputs).ok());
  ASSERT_TRUE(WriteOutputs(result, false, &outputs).ok());
  ASSERT_EQ(outputs.size(), 2);
  EXPECT_EQ(outputs[0].raw(), data);
  EXPECT_EQ(outputs[0].datatype(), "INT64");
  EXPECT_EQ(outputs[1].raw(), "");
  EXPECT_EQ(outputs[1].raw_bytes(), 16u);
  EXPECT_EQ(WriteOutputs("\x05", true, &outputs).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace souvenir::gateway
