#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"
#include "compute-service/repository/model_scan.h"
#include "compute-service/repository/model_settings.h"
#include "compute-service/repository/model_table.h"
#include "compute-service/repository/served_model.h"

namespace souvenir::compute {

// Makes models of the folders of a repository, and of the models that backends offer without a
// file. If both have the same name, the folder counts.
//
// Owned by the ModelRepository. Thread-safe. It loads nothing. All calls block on the disk. The
// backends, and all that `context` points to, must outlive it and the models.
class ModelSource {
 public:
  // Not checked here: CheckComputeConfig() has checked the values that users set.
  struct Options {
    std::string directory;   // in Triton's layout; need not exist
    ModelSettings defaults;  // for models that do not set their own
  };

  ModelSource(Options options, std::vector<Backend*> backends, const ServedModel::Context* context)
      : options_(std::move(options)), backends_(std::move(backends)), context_(context) {}

  // Reads all models. Reasons why folders cannot be models go to `refused`. Fails only if the
  // directory cannot be read.
  absl::StatusOr<std::vector<FoundModel>> ReadAll(std::vector<absl::Status>* refused);

  // Reads one model. NOT_FOUND if neither the directory nor a backend has it.
  absl::StatusOr<ModelVersions> Read(const std::string& name);

  // Makes models of the versions that were read. If something is wrong with one, logs it and makes
  // a broken model instead.
  ModelsByVersion Make(const std::string& name, absl::StatusOr<ModelVersions> versions);

  // Makes a model of one version, or returns what is wrong with it.
  absl::StatusOr<std::shared_ptr<ServedModel>> MakeVersion(ModelDescription description);

 private:
  const Options options_;
  const std::vector<Backend*> backends_;
  const ServedModel::Context* const context_;
};

}  // namespace souvenir::compute
