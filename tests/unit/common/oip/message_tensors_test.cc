#include "common/oip/message_tensors.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "common/tensor/bytes_elements.h"

namespace souvenir {
namespace {

using inference::ModelInferRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ModelInferRequest Parse(const std::string& text) {
  ModelInferRequest request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request)) << text;
  return request;
}

// Returns the raw bytes of numbers.
template <typename T>
std::string Bytes(const std::vector<T>& numbers) {
  return std::string(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T));
}

TEST(OipTensorsTest, RawContentsAreViews) {
  const ModelInferRequest request = Parse(
      "inputs { name: 'a' datatype: 'INT16' shape: [2, 1] } inputs { name: 'b' datatype: 'BYTES' "
      "shape: 1 } raw_input_contents: 'wxyz' raw_input_contents: '\\001\\000\\000\\000t'");
  const auto tensors = MessageTensors::FromRequest(request);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  ASSERT_EQ(tensors->tensors().size(), 2u);
  const TensorView& a = tensors->tensors()[0];
  EXPECT_EQ(a.name, "a");
  EXPECT_EQ(a.datatype, DataType::kInt16);
  EXPECT_THAT(a.shape, ElementsAre(2, 1));
  EXPECT_EQ(a.data.data(), request.raw_input_contents(0).data());
  EXPECT_EQ(tensors->tensors()[1].data, FrameBytesElement("t"));
}

TEST(OipTensorsTest, TypedContentsBecomeRaw) {
  const struct {
    std::string datatype;
    std::string contents;
    std::string raw;
  } kCases[] = {
      {"BOOL", "bool_contents: [true, false]", Bytes<char>({1, 0})},
      {"INT8", "int_contents: [-128, 127]", Bytes<int8_t>({-128, 127})},
      {"INT16", "int_contents: [-32768, 32767]", Bytes<int16_t>({-32768, 32767})},
      {"INT32", "int_contents: [-1, 2]", Bytes<int32_t>({-1, 2})},
      {"INT64", "int64_contents: [-1, 2]", Bytes<int64_t>({-1, 2})},
      {"UINT8", "uint_contents: [0, 255]", Bytes<uint8_t>({0, 255})},
      {"UINT16", "uint_contents: [0, 65535]", Bytes<uint16_t>({0, 65535})},
      {"UINT32", "uint_contents: [0, 7]", Bytes<uint32_t>({0, 7})},
      {"UINT64", "uint64_contents: [0, 7]", Bytes<uint64_t>({0, 7})},
      {"FP32", "fp32_contents: [0.5, -2]", Bytes<float>({0.5f, -2})},
      {"FP64", "fp64_contents: [0.5, -2]", Bytes<double>({0.5, -2})},
      {"BYTES", "bytes_contents: ['one', '']", FrameBytesElement("one") + FrameBytesElement("")},
  };
  for (const auto& [datatype, contents, raw] : kCases) {
    const ModelInferRequest request = Parse("inputs { name: 'a' shape: 2 datatype: '" + datatype +
                                            "' contents { " + contents + " } }");
    auto tensors = MessageTensors::FromRequest(request);
    ASSERT_TRUE(tensors.ok()) << datatype << tensors.status();
    const MessageTensors moved = *std::move(tensors);  // views stay valid
    EXPECT_EQ(moved.tensors()[0].data, raw) << datatype;
  }
}

TEST(OipTensorsTest, TensorsWithoutElementsNeedNoContents) {
  const ModelInferRequest request = Parse("inputs { name: 'a' shape: [0, 3] datatype: 'FP32' }");
  const auto tensors = MessageTensors::FromRequest(request);
  ASSERT_TRUE(tensors.ok()) << tensors.status();
  EXPECT_EQ(tensors->tensors()[0].data, "");
}

TEST(OipTensorsTest, RefusesAndNamesWhatIsWrong) {
  const struct {
    std::string request;
    std::string named;
  } kCases[] = {
      {"inputs { name: 'a' datatype: 'TEXT' }", "'a' has the unknown datatype 'TEXT'"},
      {"inputs { datatype: 'INT8' }", "tensor 1 of 1 has no name"},
      {"inputs { name: 'a' datatype: 'INT8' shape: 0 } inputs { name: 'a' datatype: 'INT8' "
       "shape: 0 }",
       "'a' is given twice"},
      {"inputs { name: 'a' datatype: 'INT8' shape: 1 contents { int_contents: 1 } } "
       "raw_input_contents: 'x'",
       "'a' has both raw and typed"},
      {"inputs { name: 'a' datatype: 'INT8' shape: 1 } raw_input_contents: 'x' "
       "raw_input_contents: 'y'",
       "2 raw contents for 1 tensors"},
      {"raw_input_contents: 'x'", "1 raw contents for 0 tensors"},
      {"inputs { name: 'a' datatype: 'INT32' shape: 1 } raw_input_contents: 'x'", "has 1 bytes"},
      {"inputs { name: 'a' datatype: 'INT8' shape: 3 contents { int_contents: [1, 2] } }",
       "2 values in int_contents, but shape [3] has 3"},
      {"inputs { name: 'a' datatype: 'INT8' shape: 1 }", "has 0 values"},
      {"inputs { name: 'a' datatype: 'INT8' shape: 1 contents { fp32_contents: 1 } }",
       "1 values in fp32_contents; those of INT8 must be in int_contents"},
      {"inputs { name: 'a' datatype: 'INT8' shape: 1 contents { int_contents: 1 "
       "bytes_contents: 'x' } }",
       "values in bytes_contents"},
      {"inputs { name: 'a' datatype: 'FP16' shape: 1 contents { fp32_contents: 1 } }",
       "FP16 has no typed form"},
      {"inputs { name: 'a' datatype: 'BF16' shape: 1 }", "BF16 has no typed form"},
      {"inputs { name: 'a' datatype: 'INT8' shape: 1 contents { int_contents: 128 } }",
       "128 does not fit into INT8"},
      {"inputs { name: 'a' datatype: 'UINT8' shape: 1 contents { uint_contents: 256 } }",
       "256 does not fit into UINT8"},
      {"inputs { name: 'a' datatype: 'INT8' shape: -1 }", "negative dimension"},
  };
  for (const auto& [request, named] : kCases) {
    const absl::Status status = MessageTensors::FromRequest(Parse(request)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << request;
    EXPECT_THAT(std::string(status.message()), HasSubstr(named)) << request;
  }
}

TEST(OipTensorsTest, WhatIsWrongWithAnAnswerIsNoFaultOfItsReader) {
  inference::ModelInferResponse response;
  AppendOutputs({Tensor{"a", DataType::kInt16, {2, 1}, "wxy"}.view()}, &response);
  const absl::Status status = MessageTensors::FromResponse(response).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("tensor 'a' has 3 bytes"));
}

TEST(OipTensorsTest, WhatIsAppendedReadsBack) {
  const Tensor a{"a", DataType::kInt16, {2, 1}, "wxyz"};
  const Tensor b{"b", DataType::kBytes, {1}, FrameBytesElement("t")};
  ModelInferRequest request;
  AppendInputs({{a.view(), b.view()}}, &request);
  inference::ModelInferResponse viewed;
  AppendOutputs(absl::Span<const TensorView>({a.view(), b.view()}), &viewed);
  inference::ModelInferResponse moved;
  AppendOutputs(std::vector<Tensor>{a, b}, &moved);
  EXPECT_EQ(viewed.SerializeAsString(), moved.SerializeAsString());
  EXPECT_EQ(request.inputs(0).datatype(), "INT16");
  const auto inputs = MessageTensors::FromRequest(request);
  const auto outputs = MessageTensors::FromResponse(viewed);
  for (const auto* tensors : {&inputs, &outputs}) {
    ASSERT_TRUE(tensors->ok()) << tensors->status();
    ASSERT_EQ((*tensors)->tensors().size(), 2u);
    EXPECT_EQ((*tensors)->tensors()[0].data, a.data);
    EXPECT_THAT((*tensors)->tensors()[0].shape, ElementsAre(2, 1));
    EXPECT_EQ((*tensors)->tensors()[1].name, "b");
    EXPECT_EQ((*tensors)->tensors()[1].data, b.data);
  }
}

}  // namespace
}  // namespace souvenir
