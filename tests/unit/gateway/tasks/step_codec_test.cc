#include "gateway/tasks/step_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace souvenir::gateway {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

StepSpec ASpec() {
  StepSpec spec;
  spec.model = "m";
  spec.version = "2";
  spec.inputs.push_back(
      {.name = "literal",
       .source = LiteralInput{.datatype = DataType::kInt64, .shape = {1, 1}, .data = "12345678"},
       .reshape = {-1}});
  spec.inputs.push_back({.name = "row", .source = OutputInput{.need = 1, .output = "o", .row = 0}});
  spec.inputs.push_back({.name = "whole", .source = OutputInput{.need = 2}});
  spec.inputs.push_back({.name = "all", .source = GatheredInput{.needs = {0, 1, 0}}});
  spec.inputs.push_back({.name = "failures", .source = FailuresInput{}});
  spec.parameters = {
      {"a", true}, {"b", int64_t{-1}}, {"c", std::string("x")}, {"d", 0.5}, {"e", uint64_t{7}}};
  spec.retry = {.max_attempts = 7,
                .max_unavailable = 0,
                .initial_backoff = absl::Milliseconds(5),
                .max_backoff = absl::Hours(1),
                .jitter = 0};
  spec.time_limit = absl::Seconds(9);
  return spec;
}

TEST(StepCodec, WhatIsEncodedIsDecoded) {
  std::vector<Blob> blobs;
  const auto decoded = DecodeStep(EncodeStep(ASpec(), &blobs));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_THAT(blobs, IsEmpty());
  const StepSpec wanted = ASpec();
  EXPECT_EQ(decoded->model, "m");
  EXPECT_EQ(decoded->version, "2");
  EXPECT_EQ(decoded->parameters, wanted.parameters);
  EXPECT_EQ(decoded->time_limit, absl::Seconds(9));
  EXPECT_EQ(decoded->retry.max_attempts, 7u);
  EXPECT_EQ(decoded->retry.max_unavailable, 0u);
  EXPECT_EQ(decoded->retry.initial_backoff, absl::Milliseconds(5));
  EXPECT_EQ(decoded->retry.max_backoff, absl::Hours(1));
  EXPECT_EQ(decoded->retry.jitter, 0);
  ASSERT_THAT(decoded->inputs, SizeIs(5));
  const auto& literal = std::get<LiteralInput>(decoded->inputs[0].source);
  EXPECT_EQ(literal.datatype, DataType::kInt64);
  EXPECT_THAT(literal.shape, ElementsAre(1, 1));
  EXPECT_EQ(literal.data, "12345678");
  EXPECT_THAT(decoded->inputs[0].reshape, ElementsAre(-1));
  EXPECT_EQ(std::get<OutputInput>(decoded->inputs[1].source).row, 0);
  EXPECT_EQ(std::get<OutputInput>(decoded->inputs[1].source).output, "o");
  EXPECT_EQ(std::get<OutputInput>(decoded->inputs[2].source).row, std::nullopt);
  EXPECT_THAT(std::get<GatheredInput>(decoded->inputs[3].source).needs, ElementsAre(0, 1, 0));
  EXPECT_TRUE(std::holds_alternative<FailuresInput>(decoded->inputs[4].source));
}

TEST(StepCodec, LargeLiteralsAreBlobsThatStepsShare) {
  const std::string large(5000, 'x');
  std::vector<Blob> blobs;
  std::vector<std::string> specs;
  for (int i = 0; i < 2; ++i) {
    StepSpec spec;
    spec.model = "m";
    spec.inputs.push_back({.name = "in", .source = LiteralInput{.data = large}});
    specs.push_back(EncodeStep(std::move(spec), &blobs));
  }
  ASSERT_THAT(blobs, SizeIs(1));
  EXPECT_EQ(blobs[0].bytes, large);
  EXPECT_LT(specs[0].size(), 200u);
  const auto decoded = DecodeStep(specs[1]);
  ASSERT_TRUE(decoded.ok());
  const auto& literal = std::get<LiteralInput>(decoded->inputs[0].source);
  EXPECT_EQ(literal.blob, blobs[0].digest);
  EXPECT_EQ(literal.data, "");
}

TEST(StepCodec, DamagedBytesAreAnError) {
  EXPECT_EQ(DecodeStep("").status().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(DecodeStep("\xff\xff").status().code(), absl::StatusCode::kDataLoss);
  StepSpec spec;
  EXPECT_EQ(ApplyOverride("\xff\xff", &spec).code(), absl::StatusCode::kDataLoss);
}

TEST(StepCodec, AnOverrideReplacesAndAddsParameters) {
  StepSpec spec = ASpec();
  ASSERT_TRUE(
      ApplyOverride(EncodeOverride({{"b", int64_t{5}}, {"new", std::string("y")}}), &spec).ok());
  EXPECT_THAT(spec.parameters, SizeIs(6));
  EXPECT_THAT(spec.parameters, testing::Contains(Parameter{"b", int64_t{5}}));
  EXPECT_THAT(spec.parameters, testing::Contains(Parameter{"new", std::string("y")}));
  EXPECT_TRUE(ApplyOverride("", &spec).ok());
  EXPECT_EQ(EncodeOverride({}), "");
}

TEST(NeedListTest, AStepHasOneNumberHoweverOftenItIsNamed) {
  NeedList needs;
  EXPECT_EQ(needs.NumberOf("a"), 0u);
  EXPECT_EQ(needs.NumberOf("b"), 1u);
  EXPECT_EQ(needs.NumberOf("a"), 0u);
  EXPECT_THAT(std::move(needs).Take(), ElementsAre("a", "b"));
}

}  // namespace
}  // namespace souvenir::gateway
