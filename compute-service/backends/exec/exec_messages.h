#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// What the service and the program of an exec model say to each other, see docs/backends/exec.md:
// inside each message a header of JSON after its length, 4 bytes little-endian, and then the data
// of its tensors, one after another.

// The first message: which model it is, with its tensors.
std::string EncodeExecModel(const inference::ModelConfig& config);

// OK where the program is ready; else the reason that it gives, as FAILED_PRECONDITION. DATA_LOSS
// for what is neither.
absl::Status DecodeExecReady(std::string_view message);

// A request. A program may give back its number, by which an answer to another request is noticed.
std::string EncodeExecRequest(const InferenceRequest& request, uint64_t number);

// The outputs asked for, in that order, or the error that the program gives: INVALID_ARGUMENT or
// INTERNAL. DATA_LOSS for what is neither, and for an answer to another request than `number`: the
// program is not to be used again.
absl::StatusOr<std::vector<Tensor>> DecodeExecAnswer(std::string_view message,
                                                     absl::Span<const std::string> outputs,
                                                     uint64_t number);

}  // namespace souvenir::compute
