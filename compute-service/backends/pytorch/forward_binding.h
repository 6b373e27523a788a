#pragma once

#include <ATen/core/function_schema.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// Which argument of forward() each input of a configuration is, and where in what forward() returns
// each output is.
struct ForwardBinding {
  enum class Returns {
    kTensor,  // one
    kTuple,
    kList,
    kDict,  // of tensors by name
  };

  std::vector<std::string> arguments;  // for each input, in the configuration's order
  Returns returns = Returns::kTensor;
  std::vector<size_t> positions;  // for each output, in a tuple or list; 0 for a tensor
};

// Binds by Triton's naming. Inputs are called as the arguments of forward(), or all of them
// <anything>__<position>, as INPUT__0. Outputs are called <anything>__<position>, as OUTPUT__0, or
// by the key where forward() returns a dictionary. INVALID_ARGUMENT says what of the configuration
// the schema contradicts, and what it is: names, more or fewer inputs than forward() takes,
// arguments and results that are no tensors.
absl::StatusOr<ForwardBinding> BindForward(const c10::FunctionSchema& schema,
                                           const inference::ModelConfig& config);

}  // namespace souvenir::compute
