#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/backends/pytorch/torch_threads.h"

namespace souvenir::compute {

// Triton's older name for this engine.
inline constexpr std::string_view kTorchPlatform = "pytorch_libtorch";

// How a model is run, as its completed configuration says.
struct ExecutionSettings {
  TorchThreads threads;
  // Whether TorchScript's optimizer may rewrite the model after its first runs. It may change the
  // last bits of answers from one run to the next.
  bool optimize = false;
};

// Path of the model's file: `default_model_filename`, else model.pt, in the version's folder.
// INVALID_ARGUMENT for a name that is no file's; FAILED_PRECONDITION where there is no such folder.
absl::StatusOr<std::string> ModelFile(const ModelDescription& description);

// FAILED_PRECONDITION where `reason` is why the model's file cannot be read.
absl::Status CannotReadModel(std::string_view model, const absl::Status& reason);

// Holds a configuration to what can be said without the file: datatypes, parameters, settings of
// Triton that this backend does not have. Fills in the parameters that answers depend on, so that
// they are part of the digest: the threads of an operator (`cores`, divided among the instances)
// and of the interpreter, and whether the optimizer runs. INVALID_ARGUMENT names the setting.
absl::Status CompleteTorchConfig(int cores, inference::ModelConfig* config);

// REQUIRES: `config` has been completed. INVALID_ARGUMENT otherwise.
absl::StatusOr<ExecutionSettings> ReadExecutionSettings(const inference::ModelConfig& config);

}  // namespace souvenir::compute
