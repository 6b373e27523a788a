#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/oip/message_tensors.h"
#include "common/tensor/tensor.h"
#include "inference/grpc_service.pb.h"
#include "inference/model_config.pb.h"

namespace souvenir {

// A request that a model can be given. Views into the message it was made of, which must outlive
// it.
struct ValidInference {
  MessageTensors tensors;          // keeps what was converted
  std::vector<TensorView> inputs;  // in the order of the model's configuration
  int64_t rows;                    // of the batch; 1 where the model has no batch dimension
};

// Holds `request` to the model's configuration. INVALID_ARGUMENT names the tensor, what came and
// what was expected: an input that is missing, unknown or there twice, another datatype or shape, a
// batch that is empty, too large or not the same for all inputs, an unknown output, an extension
// that is not supported. Text is not looked into: BYTES may be any bytes.
absl::StatusOr<ValidInference> ValidateInference(const inference::ModelConfig& config,
                                                 const inference::ModelInferRequest& request);

// The outputs that answer `request`: those asked for, else all of the model's. REQUIRES: the
// request is valid.
std::vector<std::string> OutputsToAnswer(const inference::ModelConfig& config,
                                         const inference::ModelInferRequest& request);

}  // namespace souvenir
