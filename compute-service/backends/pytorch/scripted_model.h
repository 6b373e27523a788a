#pragma once

#include <ATen/core/ivalue.h>  // before module.h, which clang cannot read without it in C++20
#include <torch/csrc/jit/api/module.h>

#include <memory>

#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/backends/pytorch/forward_binding.h"
#include "compute-service/backends/pytorch/model_config.h"

namespace souvenir::compute {

// A loaded TorchScript model that fits its configuration. Its instances share and own it.
// Immutable; forward() may be called from many threads at a time.
struct ScriptedModel {
  // Reads `path`, puts the model into evaluation mode, and binds it to the completed configuration.
  // Starts no thread, so that the process may fork afterwards. FAILED_PRECONDITION if the file
  // cannot be read; INVALID_ARGUMENT if it is not TorchScript, contradicts the configuration or
  // changes its own attributes.
  static absl::StatusOr<std::shared_ptr<const ScriptedModel>> Load(
      const std::string& path, const ModelDescription& description);

  inference::ModelConfig config;
  ExecutionSettings settings;
  torch::jit::Module module;
  ForwardBinding binding;
  bool copy_inputs = true;  // true if forward() may write to its inputs or keep them
};

}  // namespace souvenir::compute
