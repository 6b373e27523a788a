#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// The versions of a model that are in its folder.
struct ModelVersions {
  // Versions that the model's version_policy serves, oldest first; never empty.
  std::vector<ModelDescription> served;
  // Older versions than these, newest first, to serve while one of them cannot be. Empty if the
  // policy names its versions.
  std::vector<ModelDescription> older;
};

// A folder of the model repository, as read.
struct FoundModel {
  std::string name;  // name of the folder
  absl::StatusOr<ModelVersions> versions;
};

// Reads a repository in Triton's layout:
//
//   <directory>/<model>/config.pbtxt
//   <directory>/<model>/<version>/...
//
// A model without version folders has version 1 and needs no files. An empty version folder beside
// others is ignored, because its files are yet to come. Files beside the models, and names that
// begin with a dot, are ignored. Folders whose names cannot be a model's are ignored too; the
// reasons go to `refused`, unless that is null. A directory that does not exist has no models;
// FAILED_PRECONDITION or PERMISSION_DENIED if it cannot be read. A model that cannot be read has an
// error in place of its versions, and does not affect the others. Blocks on the disk.
absl::StatusOr<std::vector<FoundModel>> ScanRepository(
    const std::string& directory, std::vector<absl::Status>* refused = nullptr);

// Reads one model of a repository. NOT_FOUND if there is no such folder, or `name` cannot be one;
// FAILED_PRECONDITION if it has no config.pbtxt; INVALID_ARGUMENT if its version_policy asks for a
// version that does not exist.
absl::StatusOr<ModelVersions> ScanModel(const std::string& directory, const std::string& name);

// Returns the names of the folders that may be models, sorted. For `refused` and errors see
// ScanRepository().
absl::StatusOr<std::vector<std::string>> ModelNames(const std::string& directory,
                                                    std::vector<absl::Status>* refused = nullptr);

// Returns a text that changes with a model's folder, from the names, inodes, sizes and times of its
// files, or "" if there is no such folder. The folder of a version may be a symbolic link. Adds the
// number of files and folders that it looked at to `*entries`.
std::string FolderSignature(const std::string& directory, const std::string& name, size_t* entries);

}  // namespace souvenir::compute
