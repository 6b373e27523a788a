#include "gateway/tasks/step_inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "common/tensor/bytes_elements.h"
#include "common/tensor/elements.h"
#include "common/tensor/tensor_codec.h"
#include "tests/unit/gateway/tasks/task_store_harness.h"

namespace souvenir::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Reshaped, OneDimensionFollowsFromTheOthers) {
  EXPECT_THAT(*Reshaped({6}, {2, 3}), ElementsAre(2, 3));
  EXPECT_THAT(*Reshaped({6, 1}, {1, -1}), ElementsAre(1, 6));
  EXPECT_THAT(*Reshaped({0}, {-1, 2}), ElementsAre(0, 2));
  EXPECT_FALSE(Reshaped({6}, {4, -1}).ok());
  EXPECT_FALSE(Reshaped({6}, {5}).ok());
  EXPECT_FALSE(Reshaped({6}, {-1, -1}).ok());
  EXPECT_FALSE(Reshaped({6}, {-2, -3}).ok());
  EXPECT_FALSE(Reshaped({0}, {-1, 0}).ok()) << "any size would do";
}

// A job whose first steps have results, and whose last step reads them.
class StepInputsTest : public TaskStoreTest {
 protected:
  void SetUp() override {
    job_ = Submit({{.id = "a"}, {.id = "b"}, {.id = "last", .needs = {"a", "b"}}});
    const auto roots = Claim();
    Succeed(roots[0], Encoded({3, 1}, {1, 2, 3}));
    Succeed(roots[1], Encoded({1, 1}, {4}));
  }

  static std::string Encoded(std::vector<int64_t> shape, const std::vector<int64_t>& numbers) {
    const Tensor tensor{"OUT", DataType::kInt64, std::move(shape), FromElements<int64_t>(numbers)};
    const TensorView view = tensor.view();
    return EncodeTensors({&view, 1});
  }

  absl::StatusOr<Tensor> Read(StepInput input, uint64_t most_bytes = 1000) {
    StepSpec spec;
    spec.inputs.push_back(std::move(input));
    const std::vector<uint32_t> needs = {0, 1};
    auto tensors = ReadInputs(store(), {job_, 2}, needs, most_bytes, &spec);
    if (!tensors.ok()) return tensors.status();
    return tensors->at(0);
  }

  JobNumber job_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Kinds, StepInputsTest, testing::Values(RocksDbKind()));

TEST_P(StepInputsTest, OutputsComeWholeByRowAndGathered) {
  const auto whole = Read({.name = "in", .source = OutputInput{.need = 0}});
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_EQ(whole->name, "in");
  EXPECT_THAT(whole->shape, ElementsAre(3, 1));
  EXPECT_THAT(ToElements<int64_t>(whole->data), ElementsAre(1, 2, 3));

  const auto row =
      Read({.name = "in", .source = OutputInput{.need = 0, .output = "OUT", .row = 1}});
  ASSERT_TRUE(row.ok()) << row.status();
  EXPECT_THAT(row->shape, ElementsAre(1, 1));
  EXPECT_THAT(ToElements<int64_t>(row->data), ElementsAre(2));

  const auto gathered =
      Read({.name = "in", .source = GatheredInput{.needs = {1, 0, 1}}, .reshape = {1, -1}});
  ASSERT_TRUE(gathered.ok()) << gathered.status();
  EXPECT_THAT(gathered->shape, ElementsAre(1, 5));
  EXPECT_THAT(ToElements<int64_t>(gathered->data), ElementsAre(4, 1, 2, 3, 4));
}

TEST_P(StepInputsTest, WhatDoesNotFitIsToldWithWhatThereIs) {
  const auto check = [&](StepInput input, const std::string& message) {
    const auto read = Read(std::move(input));
    EXPECT_EQ(read.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(read.status().message()), HasSubstr(message));
  };
  check({.name = "in", .source = OutputInput{.need = 0, .row = 3}}, "row 3 was asked for");
  check({.name = "in", .source = OutputInput{.need = 0, .output = "SUM"}}, "there are: OUT");
  check({.name = "in", .source = OutputInput{.need = 0}, .reshape = {2}}, "cannot become [2]");
}

TEST_P(StepInputsTest, InputsAreBounded) {
  const auto read = Read({.name = "in", .source = GatheredInput{.needs = {0, 0}}}, 40);
  EXPECT_EQ(read.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(read.status().message()), HasSubstr("more than 40 bytes"));
  EXPECT_TRUE(Read({.name = "in", .source = GatheredInput{.needs = {0, 1}}}, 40).ok());
}

TEST_P(StepInputsTest, TheFailuresOfAJobAreJson) {
  const JobNumber job =
      Submit({{.id = "say \"x\""}, {.id = "report"}}, {.name = "nightly"}, /*failure_step=*/1);
  for (const ClaimedStep& step : Claim()) {
    if (step.ref.job == job) Fail(step);
  }
  StepSpec spec;
  spec.inputs.push_back({.name = "in", .source = FailuresInput{}});
  const auto tensors = ReadInputs(store(), {job, 1}, {}, 1000, &spec);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  BytesElementReader reader(tensors->at(0).data);
  EXPECT_EQ(std::string(*reader.Next()),
            "{\"job\": \"" + store().NameOf(job) +
                "\", \"name\": \"nightly\", \"failed\": 1, \"steps\": [{\"id\": \"say \\\"x\\\"\", "
                "\"code\": 3, \"message\": \"refused\"}]}");
}

}  // namespace
}  // namespace souvenir::gateway
