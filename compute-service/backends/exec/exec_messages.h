#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// The messages between the service and the program of an exec model; see docs/backends/exec.md.
// Each has the length of a JSON header (4 bytes, little-endian), the header, and then the data of
// its tensors, one after another.

// Encodes the first message: the model's name and its tensors.
std::string EncodeExecModel(const inference::ModelConfig& config);

// Returns OK if the program is ready, or FAILED_PRECONDITION with the reason that it gives.
// DATA_LOSS if the message is neither.
absl::Status DecodeExecReady(std::string_view message);

// Encodes a request. A program may return its number, so that an answer to another request is
// noticed.
std::string EncodeExecRequest(const InferenceRequest& request, uint64_t number);

// Returns the outputs asked for, in that order, or the program's error: INVALID_ARGUMENT or
// INTERNAL. DATA_LOSS if the message is neither, or answers another request than `number`; the
// program must then not be used again.
absl::StatusOr<std::vector<Tensor>> DecodeExecAnswer(std::string_view message,
                                                     absl::Span<const std::string> outputs,
                                                     uint64_t number);

}  // namespace souvenir::compute
