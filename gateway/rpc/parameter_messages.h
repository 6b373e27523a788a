#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "gateway/upstream/parameter.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::gateway {

// Reads a parameter of a message. INVALID_ARGUMENT if it has no value.
absl::StatusOr<Parameter> ReadParameter(const std::string& name,
                                        const inference::InferParameter& value);

}  // namespace souvenir::gateway
