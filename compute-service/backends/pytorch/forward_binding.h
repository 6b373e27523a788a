#pragma once

#include <ATen/core/function_schema.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// Maps the inputs of a configuration to arguments of forward(), and its outputs to parts of the
// value that forward() returns.
struct ForwardBinding {
  enum class Returns {
    kTensor,  // one tensor
    kTuple,
    kList,
    kDict,  // tensors by name
  };

  std::vector<std::string> arguments;  // name of each input's argument, in the inputs' order
  Returns returns = Returns::kTensor;
  // Position of each output in a tuple or list; 0 for a tensor; empty for a dictionary.
  std::vector<size_t> positions;
};

// Binds a configuration to forward() by Triton's naming. Inputs have the names of the arguments of
// forward(), or are all called <anything>__<position>, as INPUT__0. Outputs are called
// <anything>__<position>, as OUTPUT__0, or by the key if forward() returns a dictionary.
// INVALID_ARGUMENT says how the configuration contradicts the schema: by a name, by more or fewer
// inputs than forward() takes, or by an argument or a result that is not a tensor.
absl::StatusOr<ForwardBinding> BindForward(const c10::FunctionSchema& schema,
                                           const inference::ModelConfig& config);

}  // namespace souvenir::compute
