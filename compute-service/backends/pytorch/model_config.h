#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/backends/pytorch/torch_threads.h"

namespace souvenir::compute {

// Triton's older name for this engine, a value of the field `platform`.
inline constexpr std::string_view kTorchPlatform = "pytorch_libtorch";

// Settings of a completed configuration for running the model.
struct ExecutionSettings {
  TorchThreads threads;
  // True if TorchScript's optimizer may rewrite the model after its first runs. This can change the
  // last bits of answers from one run to the next.
  bool optimize = false;
};

// Returns the path of the model's file in the version's folder: `default_model_filename`, or
// model.pt if that is empty. INVALID_ARGUMENT if the name is not that of a file;
// FAILED_PRECONDITION if there is no such folder.
absl::StatusOr<std::string> ModelFile(const ModelDescription& description);

// Returns FAILED_PRECONDITION for a model whose file cannot be read because of `reason`.
absl::Status CannotReadModel(std::string_view model, const absl::Status& reason);

// Checks the parts of a configuration that need no file: datatypes, parameters, and settings of
// Triton that this backend does not support. INVALID_ARGUMENT names a setting at fault. Fills in
// the parameters that answers depend on, so that they are part of the digest: the threads of an
// operator (`cores` divided by the number of instances), those of the interpreter, and the use of
// the optimizer.
absl::Status CompleteTorchConfig(int cores, inference::ModelConfig* config);

// Reads the settings of a completed configuration. INVALID_ARGUMENT if it is not complete.
absl::StatusOr<ExecutionSettings> ReadExecutionSettings(const inference::ModelConfig& config);

}  // namespace souvenir::compute
