#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "compute-service/backends/backend.h"

namespace souvenir::compute {

// The versions of a model that are in its folder.
struct ModelVersions {
  // Those that its version_policy lets be served, oldest first; never none.
  std::vector<ModelDescription> served;
  // Of a policy that names no versions, those behind them, newest first: what there is to serve
  // while one of the others cannot be.
  std::vector<ModelDescription> older;
};

// A folder of the model repository, read.
struct FoundModel {
  std::string name;  // of the folder
  absl::StatusOr<ModelVersions> versions;
};

// Reads a repository in Triton's layout:
//
//   <directory>/<model>/config.pbtxt
//   <directory>/<model>/<version>/...
//
// Without any version it is version 1, of a model that needs no files. An empty folder beside
// others is no version: its files are yet to come. Files beside the models, and what begins with a
// dot, are passed over; so is a folder whose name is none for a model, and why goes to `refused` if
// that is not null. A directory that is not there has no models; FAILED_PRECONDITION or
// PERMISSION_DENIED where it cannot be read. A model that cannot be read has its error in place of
// its description, and takes no other down. Blocks on the disk.
absl::StatusOr<std::vector<FoundModel>> ScanRepository(
    const std::string& directory, std::vector<absl::Status>* refused = nullptr);

// Reads one model of it. NOT_FOUND where there is no such folder, or `name` cannot be one;
// FAILED_PRECONDITION where it has no config.pbtxt; INVALID_ARGUMENT where its version_policy asks
// for a version that is not there.
absl::StatusOr<ModelVersions> ScanModel(const std::string& directory, const std::string& name);

// Names of the folders that a model may be in, in order; `refused` and errors as ScanRepository's.
absl::StatusOr<std::vector<std::string>> ModelNames(const std::string& directory,
                                                    std::vector<absl::Status>* refused = nullptr);

// Tells one state of a model's folder from another, by the names, sizes and times of its files; ""
// where there is no such folder. Adds to `*entries` how many files and folders were looked at.
std::string FolderSignature(const std::string& directory, const std::string& name, size_t* entries);

}  // namespace souvenir::compute
