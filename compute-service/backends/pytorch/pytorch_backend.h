#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/backends/pytorch/model_config.h"

namespace souvenir::compute {

// TorchScript models, <model>/<version>/model.pt, computed by libtorch on this machine's
// processors. docs/backends/pytorch.md says what a model may be.
//
// Owned by the service; outlives its models. Thread-safe: it has no state but its options. Loading
// starts no thread.
class PytorchBackend final : public Backend {
 public:
  struct Options {
    int cores = 0;  // that a model's instances share; 0: those of the machine
  };

  // INVALID_ARGUMENT for the options.
  static absl::StatusOr<std::unique_ptr<PytorchBackend>> Create(Options options);

  std::string_view name() const override { return "pytorch"; }
  std::string_view platform() const override { return kTorchPlatform; }

  absl::Status Complete(ModelDescription* description) override;

  // Besides the version of libtorch and the bytes of the file, an answer depends on how many
  // threads sums are split over; Complete() puts that into the configuration.
  absl::StatusOr<std::string> Digest(const ModelDescription& description) override;

  // REQUIRES: the description has been completed.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description) override;

 private:
  explicit PytorchBackend(Options options) : options_(options) {}

  const Options options_;
};

}  // namespace souvenir::compute
