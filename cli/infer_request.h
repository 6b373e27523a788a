#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/console.h"
#include "cli/infer_command.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::cli {

// Returns the request that `options` describe, to a model with this metadata. Reads files, and
// standard input if no input is named. INVALID_ARGUMENT names the wrong argument, and lists the
// model's inputs if none is given. Errors of files are returned as they are.
absl::StatusOr<inference::ModelInferRequest> MakeInferRequest(
    const InferOptions& options, const inference::ModelMetadataResponse& metadata,
    Console& console);

}  // namespace souvenir::cli
