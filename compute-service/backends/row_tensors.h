#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "inference/model_config.pb.h"

namespace souvenir::compute {

// A tensor of dims [1], so that each row has one element.
struct RowTensor {
  std::string_view name;
  inference::DataType type;
};

// Fill in the inputs or outputs of a configuration that leaves them out, for an engine whose models
// all have the same. A configuration that declares inputs must declare exactly these, in any order.
// A configuration may leave outputs out. INVALID_ARGUMENT names a tensor that is missing,
// unknown or different, with what is expected.
absl::Status CompleteRowInputs(absl::Span<const RowTensor> inputs, inference::ModelConfig* config);
absl::Status CompleteRowOutputs(absl::Span<const RowTensor> outputs,
                                inference::ModelConfig* config);

// Sets a parameter that can have only one value. INVALID_ARGUMENT if it has another. `engine` is
// the engine's name for the message.
absl::Status FixedParameter(const std::string& name, const std::string& value,
                            std::string_view engine, inference::ModelConfig* config);

}  // namespace souvenir::compute
