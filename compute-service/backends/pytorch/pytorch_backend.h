#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/backends/pytorch/model_config.h"

namespace souvenir::compute {

// TorchScript models, <model>/<version>/model.pt, computed by libtorch on the processors of this
// machine. docs/backends/pytorch.md describes the models that are supported.
//
// This class is the service's part, which does not link libtorch. libtorch would bring some three
// hundred libraries, a second of start-up time, and so much thread-local storage that libraries
// that start threads with small stacks fail. Models are loaded and run in the worker program
// (pytorch_engine.h), each instance in a process of its own.
//
// Owned by the service; outlives its models. Thread-safe: it has no state but its options.
class PytorchBackend : public Backend {
 public:
  struct Options {
    int cores = 0;               // cores that a model's instances share; 0 for all usable ones
    std::string worker_program;  // path of souvenir-worker-pytorch
  };

  // INVALID_ARGUMENT if `cores` is negative.
  static absl::StatusOr<std::unique_ptr<PytorchBackend>> Create(Options options);

  std::string_view name() const override { return "pytorch"; }
  std::string_view platform() const override { return kTorchPlatform; }
  bool isolates_itself() const override { return true; }

  absl::Status Complete(ModelDescription* description) override;

  // Covers the version of libtorch and the bytes of the file. Answers also depend on the number of
  // threads that sums are split over, which Complete() puts into the configuration.
  absl::StatusOr<std::string> Digest(const ModelDescription& description) override;

  absl::StatusOr<std::vector<std::string>> DigestedFiles(
      const ModelDescription& description) override;

  // REQUIRES: the description has been completed.
  absl::StatusOr<std::unique_ptr<Model>> Load(const ModelDescription& description,
                                              const Cancellation* cancellation) override;

 protected:
  explicit PytorchBackend(Options options);

 private:
  const Options options_;
};

}  // namespace souvenir::compute
