#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/tensor/tensor.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// The built-in functions. Each has a file in functions/. A new one needs such a file and a line in
// functions.h and in function.cc.

// Computes the outputs, in the order of Function::outputs, from the inputs, in the order of
// Function::inputs. Called by one thread at a time. INVALID_ARGUMENT if the input is at fault.
using Compute =
    std::function<absl::StatusOr<std::vector<Tensor>>(absl::Span<const TensorView> inputs)>;

struct FunctionTensor {
  std::string_view name;
  inference::DataType datatype;
  std::vector<int64_t> dims;  // dimensions without that of the batch; -1 for any size
};

struct Function {
  std::string_view name;
  // Part of the digest. It must change whenever the function gives another answer for the same
  // input, so that older cached answers are no longer used.
  int revision = 1;
  int max_batch_size = 0;  // upper limit and default; 0 if there is no batch dimension
  std::vector<FunctionTensor> inputs;
  std::vector<FunctionTensor> outputs;
  std::vector<std::string_view> parameters;  // parameters of the configuration that it reads
  // Creates the computation for one instance. INVALID_ARGUMENT names an invalid parameter.
  absl::StatusOr<Compute> (*create)(const inference::ModelConfig& config) = nullptr;
};

// Returns all built-in functions. They live until the process ends.
absl::Span<const Function> Functions();

// Returns the function called `name`, or null.
const Function* FindFunction(std::string_view name);

}  // namespace souvenir::compute
