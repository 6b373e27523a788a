#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/backends/pytorch/scripted_model.h"

namespace souvenir::compute {

// Calls forward() on the calling thread, and on those that libtorch splits operators over. It has
// no state of its own; weights are shared.
//
// Owned by its pool. Errors of Run(): ForwardError's; INVALID_ARGUMENT for bytes that are no BOOL;
// INTERNAL where the answer is not what the configuration says. A run cannot be stopped: the
// request's row_limit is not looked at.
class PytorchInstance final : public Instance {
 public:
  // UseTorchThreads' errors.
  static absl::StatusOr<std::unique_ptr<Instance>> Create(
      std::shared_ptr<const ScriptedModel> model);

  absl::StatusOr<InferenceResult> Run(const InferenceRequest& request) override;

 private:
  explicit PytorchInstance(std::shared_ptr<const ScriptedModel> model) : model_(std::move(model)) {}

  // May throw.
  absl::StatusOr<InferenceResult> CallForward(const InferenceRequest& request) const;

  const std::shared_ptr<const ScriptedModel> model_;
};

}  // namespace souvenir::compute
