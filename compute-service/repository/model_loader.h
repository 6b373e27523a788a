#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/repository/model_settings.h"

namespace souvenir::compute {

struct LoadedModel {
  std::unique_ptr<Model> model;
  std::string note;  // for a person, if it does not run as configured; otherwise empty
};

// Loads models into threads or processes, as their settings say. Owned by the repository.
// Thread-safe.
class ModelLoader {
 public:
  // `worker_directory` has the programs souvenir-worker-<backend>.
  explicit ModelLoader(std::string worker_directory)
      : worker_directory_(std::move(worker_directory)) {}

  // Loads a model; blocks. For `cancellation` see Backend::Load(). Errors are those of that method,
  // of WorkerHost::Start() and of `description.check_files`, which is called before and after the
  // load. An instance in a thread is created only from files that have not changed since, either.
  absl::StatusOr<LoadedModel> Load(Backend& backend, const ModelDescription& description,
                                   const ModelSettings& settings,
                                   const Cancellation* cancellation) const;

 private:
  absl::StatusOr<LoadedModel> LoadUnchecked(Backend& backend, const ModelDescription& description,
                                            const ModelSettings& settings,
                                            const Cancellation* cancellation) const;
  absl::StatusOr<std::unique_ptr<Model>> LoadIsolated(const Backend& backend,
                                                      const ModelDescription& description,
                                                      const Cancellation* cancellation) const;

  const std::string worker_directory_;
};

}  // namespace souvenir::compute
