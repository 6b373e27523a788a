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

// Makes models of what is in a repository's folders, and of what backends offer without a file;
// where both have one name, of the folder.
//
// Owned by the ModelRepository. Thread-safe. It loads nothing. All calls block on the disk. The
// backends, and what `context` points to, must outlive it and the models.
class ModelSource {
 public:
  struct Options {
    std::string directory;   // in Triton's layout; need not exist
    ModelSettings defaults;  // for models that do not say otherwise
  };

  ModelSource(Options options, std::vector<Backend*> backends, const ServedModel::Context* context)
      : options_(std::move(options)), backends_(std::move(backends)), context_(context) {}

  // Reads everything there is. Folders that cannot be a model's go to `refused`. An error only
  // where the directory cannot be read.
  absl::StatusOr<std::vector<FoundModel>> ReadAll(std::vector<absl::Status>* refused);

  // Reads one model. NOT_FOUND where neither the directory nor a backend has it.
  absl::StatusOr<ModelVersions> Read(const std::string& name);

  // Makes models of what was read; a broken one, which is logged, where something is wrong with it.
  ModelsByVersion Make(const std::string& name, absl::StatusOr<ModelVersions> versions);

  // Makes a model of one version, or says what is wrong with it.
  absl::StatusOr<std::shared_ptr<ServedModel>> MakeVersion(ModelDescription description);

 private:
  const Options options_;
  const std::vector<Backend*> backends_;
  const ServedModel::Context* const context_;
};

}  // namespace souvenir::compute
