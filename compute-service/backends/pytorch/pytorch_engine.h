#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "compute-service/backends/pytorch/pytorch_backend.h"

namespace souvenir::compute {

// The worker program's part of the backend, which links libtorch. It loads and runs models in its
// own process. Loading starts no thread. Thread-safe.
class PytorchEngine final : public PytorchBackend {
 public:
  explicit PytorchEngine(Options options = {}) : PytorchBackend(std::move(options)) {}

  // REQUIRES: the description has been completed.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override;
};

}  // namespace souvenir::compute
