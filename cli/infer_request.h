#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/console.h"
#include "cli/infer_command.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::cli {

// The request that `options` describe, to a model with this metadata. Reads files, and standard
// input where nothing else names an input. INVALID_ARGUMENT, or the error of a file, says what is
// wrong, and which inputs there are where none came.
absl::StatusOr<inference::ModelInferRequest> MakeInferRequest(
    const InferOptions& options, const inference::ModelMetadataResponse& metadata,
    Console& console);

}  // namespace souvenir::cli
