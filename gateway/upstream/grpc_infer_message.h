#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "gateway/upstream/inference.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::gateway {

// Writes a call as a message of the Open Inference Protocol.
inference::ModelInferRequest InferRequest(const Inference& inference);

// Reads the answer of `model`, and keeps the message with it. INTERNAL if the answer is malformed:
// its tensors are not valid, or a parameter of ours has the wrong type or length.
absl::StatusOr<InferenceAnswer> ReadInferResponse(
    std::unique_ptr<inference::ModelInferResponse> response, const std::string& model);

}  // namespace souvenir::gateway
