#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/repository/model_settings.h"

namespace souvenir::compute {

struct LoadedModel {
  std::unique_ptr<Model> model;
  std::string note;  // what a person should know of how it runs; empty where all is as asked for
};

// Loads models to where their settings say they run. Owned by the repository. Thread-safe.
class ModelLoader {
 public:
  struct Options {
    std::string worker_directory;  // of the programs souvenir-worker-<backend>
    int nice = 0;                  // of workers, 0 to 19
  };

  explicit ModelLoader(Options options) : options_(std::move(options)) {}

  // Blocks while it loads. `cancellation` as Backend::Load() has it; errors are that method's and
  // those of WorkerHost::Start().
  absl::StatusOr<LoadedModel> Load(Backend& backend, const ModelDescription& description,
                                   const ModelSettings& settings,
                                   const Cancellation* cancellation) const;

 private:
  absl::StatusOr<std::unique_ptr<Model>> LoadIsolated(const Backend& backend,
                                                      const ModelDescription& description,
                                                      const Cancellation* cancellation) const;

  const Options options_;
};

}  // namespace souvenir::compute
