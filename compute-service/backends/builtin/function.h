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

// A function that is built in: what a model of it looks like, and how it is computed. One file each
// in functions/; to add one, write its file and a line in functions.h and function.cc.

// What an instance of it does: outputs, in the order of Function::outputs, for inputs in that of
// Function::inputs. Used by one thread at a time. INVALID_ARGUMENT where the input is at fault.
using Compute =
    std::function<absl::StatusOr<std::vector<Tensor>>(absl::Span<const TensorView> inputs)>;

struct FunctionTensor {
  std::string_view name;
  inference::DataType datatype;
  std::vector<int64_t> dims;  // without the batch dimension; -1 is any
};

struct Function {
  std::string_view name;
  // Changed whenever the same input is answered in another way: what was remembered no longer
  // counts.
  int revision = 1;
  int max_batch_size = 0;  // the largest, and the default; 0: no batch dimension
  std::vector<FunctionTensor> inputs;
  std::vector<FunctionTensor> outputs;
  std::vector<std::string_view> parameters;  // of a model's configuration, that it reads
  // Makes what computes for one instance. INVALID_ARGUMENT names a parameter that makes no sense.
  absl::StatusOr<Compute> (*create)(const inference::ModelConfig& config) = nullptr;
};

// All there are.
absl::Span<const Function> Functions();

// The function of that name, or null.
const Function* FindFunction(std::string_view name);

}  // namespace souvenir::compute
