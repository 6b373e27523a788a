#include "common/oip/valid_inference.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <string>

namespace souvenir {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

inference::ModelConfig Batched() {
  return Parse<inference::ModelConfig>(
      "name: 'm' max_batch_size: 3 "
      "input { name: 'x' data_type: TYPE_INT8 dims: [2, -1] } "
      "input { name: 'y' data_type: TYPE_STRING dims: 1 optional: true } "
      "output { name: 'p' data_type: TYPE_INT8 dims: 1 } "
      "output { name: 'q' data_type: TYPE_INT8 dims: 1 }");
}

// Returns an INT8 input of that shape with `count` zeros, as text.
std::string Int8(const std::string& name, const std::string& shape, int count) {
  std::string zeros;
  for (int i = 0; i < count; ++i) zeros += i == 0 ? "0" : ", 0";
  return "inputs { name: '" + name + "' datatype: 'INT8' shape: [" + shape +
         "] contents { int_contents: [" + zeros + "] } } ";
}

TEST(ValidInferenceTest, GivesInputsInTheModelsOrder) {
  const auto request = Parse<inference::ModelInferRequest>(
      "inputs { name: 'y' datatype: 'BYTES' shape: [2, 1] contents { bytes_contents: ['a', 'b'] } "
      "} " +
      Int8("x", "2, 2, 1", 4));
  const auto valid = ValidateInference(Batched(), request);
  ASSERT_TRUE(valid.ok()) << valid.status();
  ASSERT_EQ(valid->inputs.size(), 2u);
  EXPECT_EQ(valid->inputs[0].name, "x");
  EXPECT_EQ(valid->inputs[1].name, "y");
  EXPECT_EQ(valid->rows, 2);
}

TEST(ValidInferenceTest, AnOptionalInputMayBeLeftOut) {
  const auto request = Parse<inference::ModelInferRequest>(Int8("x", "1, 2, 3", 6));
  const auto valid = ValidateInference(Batched(), request);
  ASSERT_TRUE(valid.ok()) << valid.status();
  EXPECT_EQ(valid->inputs.size(), 1u);
}

TEST(ValidInferenceTest, AllOutputsAnswerOrThoseAskedForInTheirOrder) {
  const std::string inputs = Int8("x", "1, 2, 3", 6);
  const auto outputs = [&](const std::string& asked) {
    const auto request = Parse<inference::ModelInferRequest>(inputs + asked);
    EXPECT_EQ(ValidateInference(Batched(), request).status(), absl::OkStatus());
    return OutputsToAnswer(Batched(), request);
  };
  EXPECT_THAT(outputs(""), ElementsAre("p", "q"));
  EXPECT_THAT(outputs("outputs { name: 'q' } outputs { name: 'p' }"), ElementsAre("q", "p"));
  EXPECT_THAT(outputs("outputs { name: 'q' }"), ElementsAre("q"));
}

TEST(ValidInferenceTest, AModelWithoutABatchDimensionHasOneRow) {
  inference::ModelConfig config = Batched();
  config.set_max_batch_size(0);
  const auto valid =
      ValidateInference(config, Parse<inference::ModelInferRequest>(Int8("x", "2, 5", 10)));
  ASSERT_TRUE(valid.ok()) << valid.status();
  EXPECT_EQ(valid->rows, 1);
}

TEST(ValidInferenceTest, RefusesAndSaysWhatCameAndWhatWasExpected) {
  const std::string good = Int8("x", "1, 2, 1", 2);
  const struct {
    std::string request;
    std::string came;
    std::string expected;
  } kCases[] = {
      {"", "'x' is missing", "INT8 of shape [-1, 2, -1]"},
      {"inputs { name: 'y' datatype: 'BYTES' shape: [1, 1] contents { bytes_contents: 'a' } }",
       "'x' is missing", "INT8"},
      {good + Int8("z", "1", 1), "no input 'z'", "'x', 'y'"},
      {good + good, "'x' is given twice", ""},
      {"inputs { name: 'x' datatype: 'BOOL' shape: [1, 2, 1] contents { bool_contents: [true, "
       "true] } }",
       "'x' has the datatype BOOL", "must be INT8"},
      {Int8("x", "1, 2", 2), "the shape [1, 2]", "[-1, 2, -1]"},
      {Int8("x", "1, 3, 1", 3), "the shape [1, 3, 1]", "[-1, 2, -1]"},
      {Int8("x", "1, 2, 1, 1", 2), "the shape [1, 2, 1, 1]", "[-1, 2, -1]"},
      {Int8("x", "4, 2, 1", 8), "'x' has a batch of 4 rows", "1 to 3"},
      {Int8("x", "0, 2, 1", 0), "'x' has a batch of 0 rows", "1 to 3"},
      {good + "inputs { name: 'y' datatype: 'BYTES' shape: [2, 1] contents { bytes_contents: ["
              "'a', 'b'] } }",
       "'x' has 1 rows and input 'y' has 2", "must be equal"},
      {good + "outputs { name: 'r' }", "no output 'r'", "'p', 'q'"},
      {good + "outputs { name: 'p' } outputs { name: 'p' }", "'p' is requested twice", ""},
      {good + "outputs { name: 'p' parameters { key: 'classification' value { int64_param: 1 } } "
              "}",
       "output 'p'", "'classification' is not supported"},
      {"inputs { name: 'x' datatype: 'INT8' shape: [1, 2, 1] parameters { key: "
       "'shared_memory_region' value { string_param: 'r' } } }",
       "input 'x'", "'shared_memory_region' is not supported"},
  };
  for (const auto& [request, came, expected] : kCases) {
    const absl::Status status =
        ValidateInference(Batched(), Parse<inference::ModelInferRequest>(request)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << request;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(came), HasSubstr(expected)))
        << request;
  }
}

}  // namespace
}  // namespace souvenir
