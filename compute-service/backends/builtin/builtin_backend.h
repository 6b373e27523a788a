#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Models that need no file: small functions for trials and measurements of the service.
//
// A model serves the function that its parameter `function` names, or the function of its own name
// if the parameter is absent. The rest of its configuration, tensors included, may be left out.
//
// Owned by the service; outlives its models. Thread-safe: it has no state.
class BuiltinBackend final : public Backend {
 public:
  std::string_view name() const override { return "builtin"; }
  absl::Status Complete(ModelDescription* description) override;
  absl::StatusOr<std::string> Digest(const ModelDescription& description) override;
  // Returns none, even if the model has a folder.
  absl::StatusOr<std::vector<std::string>> DigestedFiles(
      const ModelDescription& description) override;
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override;
};

}  // namespace souvenir::compute
