// Fuzzes the validation of requests of the Open Inference Protocol, for a model with inputs of
// different kinds.

#include "common/oip/valid_inference.h"

#include <google/protobuf/text_format.h>

#include <cstdint>
#include <vector>

#include "tests/fuzz/messages.h"
#include "tests/fuzz/require.h"

namespace souvenir {
namespace {

constexpr char kModel[] = R"(
  name: "model" max_batch_size: 4
  input { name: "text" data_type: TYPE_STRING dims: [-1] }
  input { name: "number" data_type: TYPE_FP32 dims: [2, 3] optional: true }
  input { name: "flag" data_type: TYPE_BOOL dims: [1] optional: true }
  output { name: "a" data_type: TYPE_STRING dims: [1] }
  output { name: "b" data_type: TYPE_INT64 dims: [1] }
)";

const inference::ModelConfig& Model() {
  static const inference::ModelConfig model = [] {
    inference::ModelConfig parsed;
    Require(google::protobuf::TextFormat::ParseFromString(kModel, &parsed), "the model is valid");
    return parsed;
  }();
  return model;
}

void Try(const uint8_t* data, size_t size) {
  inference::ModelInferRequest request;
  if (!request.ParseFromArray(data, static_cast<int>(size))) return;
  const auto valid = ValidateInference(Model(), request);
  if (!valid.ok()) {
    Require(absl::IsInvalidArgument(valid.status()), "an error is INVALID_ARGUMENT");
    return;
  }
  Require(valid->rows >= 1 && valid->rows <= Model().max_batch_size(), "the batch is in bounds");
  Require(!valid->inputs.empty(), "there are inputs");
  Require(!OutputsToAnswer(Model(), request).empty(), "there are outputs");
  for (const TensorView& input : valid->inputs) {
    Require(!input.shape.empty() && input.shape[0] == valid->rows, "all inputs have the rows");
    std::vector<int64_t> row_shape(input.shape.begin(), input.shape.end());
    row_shape[0] = 1;
    size_t bytes = 0;
    for (const TensorView& row : SplitRows(input, row_shape)) {
      Require(ValidateTensor(row).ok(), "a row of a valid tensor is valid");
      bytes += row.data.size();
    }
    Require(bytes == input.data.size(), "the rows have as many bytes as the input");
  }
}

}  // namespace
}  // namespace souvenir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  souvenir::SilenceProtobuf();
  souvenir::Try(data, size);
  return 0;
}
