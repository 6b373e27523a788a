#include "compute-service/backends/row_tensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/config/text_proto.h"

namespace souvenir::compute {
namespace {

using ::testing::HasSubstr;

constexpr RowTensor kInputs[] = {{"TEXT", inference::TYPE_STRING}, {"RATE", inference::TYPE_FP32}};

inference::ModelConfig Parse(std::string_view text) {
  inference::ModelConfig config;
  EXPECT_TRUE(ParseTextProto(text, "test", &config).ok()) << text;
  config.set_name("m");
  return config;
}

TEST(RowTensorsTest, FillsInWhatIsLeftOut) {
  inference::ModelConfig config;
  ASSERT_TRUE(CompleteRowInputs(kInputs, &config).ok());
  ASSERT_TRUE(CompleteRowOutputs(kInputs, &config).ok());
  ASSERT_EQ(config.input_size(), 2);
  EXPECT_EQ(config.input(1).name(), "RATE");
  EXPECT_EQ(config.input(1).data_type(), inference::TYPE_FP32);
  EXPECT_EQ(config.output(0).dims(0), 1);
  const std::string once = config.DebugString();
  ASSERT_TRUE(CompleteRowInputs(kInputs, &config).ok());
  EXPECT_EQ(config.DebugString(), once);
}

TEST(RowTensorsTest, AnyOrderIsAcceptedAndOutputsMayBeLeftOut) {
  inference::ModelConfig config = Parse(
      "input { name: 'RATE' data_type: TYPE_FP32 dims: 1 } "
      "input { name: 'TEXT' data_type: TYPE_STRING dims: 1 } "
      "output { name: 'RATE' data_type: TYPE_FP32 dims: 1 }");
  EXPECT_TRUE(CompleteRowInputs(kInputs, &config).ok());
  EXPECT_TRUE(CompleteRowOutputs(kInputs, &config).ok());
  EXPECT_EQ(config.output_size(), 1);
}

TEST(RowTensorsTest, WhatDiffersIsRefusedByName) {
  const std::pair<const char*, const char*> cases[] = {
      {"input { name: 'TEXT' data_type: TYPE_STRING dims: 1 }", "it has 1 inputs; expected"},
      {"input { name: 'text' data_type: TYPE_STRING dims: 1 }", "input \"text\" is TYPE_STRING"},
      {"input { name: 'RATE' data_type: TYPE_FP64 dims: 1 }", "input \"RATE\" is TYPE_FP64"},
      {"input { name: 'RATE' data_type: TYPE_FP32 dims: 2 }", "dims [2]"},
      {"input { name: 'RATE' data_type: TYPE_FP32 }", "dims []"},
      {"input { name: 'RATE' data_type: TYPE_FP32 dims: 1 } "
       "input { name: 'RATE' data_type: TYPE_FP32 dims: 1 }",
       "\"RATE\" is declared twice"},
  };
  for (const auto& [text, expected] : cases) {
    inference::ModelConfig config = Parse(text);
    const absl::Status status = CompleteRowInputs(kInputs, &config);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(expected));
  }
}

TEST(RowTensorsTest, AFixedParameterIsFilledInOrMustBeTheSame) {
  inference::ModelConfig config = Parse("");
  ASSERT_TRUE(FixedParameter("task", "synthesis", "X", &config).ok());
  EXPECT_EQ(config.parameters().at("task").string_value(), "synthesis");
  EXPECT_TRUE(FixedParameter("task", "synthesis", "X", &config).ok());
  EXPECT_THAT(std::string(FixedParameter("task", "other", "X", &config).message()),
              HasSubstr("task is \"synthesis\"; X's models support only \"other\""));
}

}  // namespace
}  // namespace souvenir::compute
