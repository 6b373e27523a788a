#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "compute-service/backends/pytorch/pytorch_backend.h"

namespace souvenir::compute {

// The same backend where libtorch is: it loads and runs models in its own process. For the worker
// program. Loading starts no thread.
class PytorchEngine final : public PytorchBackend {
 public:
  explicit PytorchEngine(Options options = {}) : PytorchBackend(std::move(options)) {}

  // REQUIRES: the description has been completed.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description) override;
};

}  // namespace souvenir::compute
