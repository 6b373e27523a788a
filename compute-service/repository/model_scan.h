#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// A folder of the model repository, read.
struct FoundModel {
  std::string name;  // of the folder
  absl::StatusOr<ModelDescription> description;
};

// Reads a repository in Triton's layout:
//
//   <directory>/<model>/config.pbtxt
//   <directory>/<model>/<version>/...
//
// The highest version is described; without any it is version 1, of a model that needs no files.
// Files beside the models, and what begins with a dot, are passed over. A directory that is not
// there has no models; FAILED_PRECONDITION or PERMISSION_DENIED where it cannot be read. A model
// that cannot be read has its error in place of its description, and takes no other down. Blocks on
// the disk.
absl::StatusOr<std::vector<FoundModel>> ScanRepository(const std::string& directory);

// Reads one model of it. NOT_FOUND where there is no such folder, or `name` cannot be one.
absl::StatusOr<ModelDescription> ScanModel(const std::string& directory, const std::string& name);

}  // namespace souvenir::compute
