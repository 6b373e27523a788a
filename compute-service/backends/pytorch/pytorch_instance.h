#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/backends/pytorch/scripted_model.h"

namespace souvenir::compute {

// Calls forward() on the calling thread and on the threads that libtorch splits operators over. It
// has no state of its own; instances share the weights.
//
// Run() returns the errors of ForwardError(), INVALID_ARGUMENT for an invalid BOOL or an unknown
// tensor, and INTERNAL if the answer contradicts the configuration. A run cannot be stopped, so the
// request's row_limit is ignored.
//
// Owned by the worker program. Called by one thread at a time.
class PytorchInstance final : public Instance {
 public:
  // See UseTorchThreads() for errors.
  static absl::StatusOr<std::unique_ptr<Instance>> Create(
      std::shared_ptr<const ScriptedModel> model);

  absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) override;

 private:
  explicit PytorchInstance(std::shared_ptr<const ScriptedModel> model) : model_(std::move(model)) {}

  // Throws the exceptions of libtorch.
  absl::StatusOr<InferenceResult> CallForward(const InferenceRequest& request) const;

  const std::shared_ptr<const ScriptedModel> model_;
};

}  // namespace souvenir::compute
