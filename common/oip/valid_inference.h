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

// The inputs of a valid request. They are views into the request, which must outlive it.
struct ValidInference {
  MessageTensors tensors;          // owns the converted tensors
  std::vector<TensorView> inputs;  // inputs in the order of the model's configuration
  int64_t rows;                    // rows of the batch; 1 if the model has no batch dimension
};

// Checks `request` against the model's configuration. INVALID_ARGUMENT names the tensor, its fault
// and the expected form. Faults, in addition to those of MessageTensors, are: a missing or unknown
// input; another datatype or shape; a batch that is empty, too large or not the same for all
// inputs; an unknown or repeated output; an unsupported extension. BYTES may be any bytes, also in
// texts.
absl::StatusOr<ValidInference> ValidateInference(const inference::ModelConfig& config,
                                                 const inference::ModelInferRequest& request);

// Returns the names of the requested outputs, or those of all outputs of the model if the request
// names none. REQUIRES: the request is valid.
std::vector<std::string> OutputsToAnswer(const inference::ModelConfig& config,
                                         const inference::ModelInferRequest& request);

}  // namespace souvenir
