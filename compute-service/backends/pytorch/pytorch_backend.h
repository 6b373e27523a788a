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
// Here is what the service knows of them, which links nothing of libtorch: some three hundred
// libraries, a second to start, and so much memory for each thread's variables that libraries that
// start threads with small stacks fail. Models are loaded and run in the worker program
// (pytorch_engine.h), an instance in each of its processes.
//
// Owned by the service; outlives its models. Thread-safe: it has no state but its options.
class PytorchBackend : public Backend {
 public:
  struct Options {
    int cores = 0;               // that a model's instances share; 0: those of the machine
    std::string worker_program;  // path of souvenir-worker-pytorch
    int worker_nice = 0;         // 0 to 19, added to the service's own
  };

  // INVALID_ARGUMENT for the options.
  static absl::StatusOr<std::unique_ptr<PytorchBackend>> Create(Options options);

  std::string_view name() const override { return "pytorch"; }
  std::string_view platform() const override { return kTorchPlatform; }
  bool isolates_itself() const override { return true; }

  absl::Status Complete(ModelDescription* description) override;

  // Besides the version of libtorch and the bytes of the file, an answer depends on how many
  // threads sums are split over; Complete() puts that into the configuration.
  absl::StatusOr<std::string> Digest(const ModelDescription& description) override;

  // REQUIRES: the description has been completed.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description) override;

 protected:
  explicit PytorchBackend(Options options);

 private:
  const Options options_;
};

}  // namespace souvenir::compute
