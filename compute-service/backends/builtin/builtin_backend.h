#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// Models that need no file: small functions, to try the service with and to measure it by.
//
// A model serves the function that its parameter `function` names, else that of its own name. The
// rest of its configuration, tensors included, may be left out. A function needs no state, so that
// all run in one process. Thread-safe.
class BuiltinBackend final : public Backend {
 public:
  std::string_view name() const override { return "builtin"; }
  absl::Status Complete(ModelDescription* description) override;
  absl::StatusOr<std::string> Digest(const ModelDescription& description) override;
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description) override;
};

}  // namespace souvenir::compute
