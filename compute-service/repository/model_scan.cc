#include "compute-service/repository/model_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <system_error>

#include "common/config/text_proto.h"
#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

namespace fs = std::filesystem;

absl::Status CannotRead(const fs::path& path, const std::error_code& error) {
  const std::string message = fmt::format("cannot read {}: {}", path.string(), error.message());
  return error == std::errc::permission_denied ? absl::PermissionDeniedError(message)
                                               : absl::FailedPreconditionError(message);
}

// Whether `name` can be that of a model: a folder of the repository, seen.
bool IsModelName(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

// The number that a version's folder is called by; 0 for other folders.
int64_t VersionOf(const std::string& name) {
  int64_t version = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && version > 0 && name.front() != '0' ? version : 0;
}

// Names of the folders in `path`, in order.
absl::StatusOr<std::vector<std::string>> Folders(const fs::path& path) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator it(path, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    std::error_code ignored;  // what cannot be looked at is no folder
    if (it->is_directory(ignored)) names.push_back(it->path().filename().string());
  }
  if (error) return CannotRead(path, error);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

absl::StatusOr<ModelDescription> ScanModel(const std::string& directory, const std::string& name) {
  const fs::path folder = fs::path(directory) / name;
  std::error_code error;
  if (!IsModelName(name) || !fs::is_directory(folder, error)) {
    return absl::NotFoundError(
        fmt::format("there is no folder '{}' in the repository '{}'", name, directory));
  }
  ModelDescription description;
  SOUVENIR_RETURN_IF_ERROR(ReadTextProto((folder / "config.pbtxt").string(), &description.config));
  inference::ModelConfig& config = description.config;
  if (config.name().empty()) config.set_name(name);
  if (config.name() != name) {
    return absl::InvalidArgumentError(
        fmt::format("{}: the name is '{}'; it must be that of the folder, '{}'",
                    (folder / "config.pbtxt").string(), config.name(), name));
  }
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<std::string> folders, Folders(folder));
  int64_t newest = 0;
  for (const std::string& version : folders) newest = std::max(newest, VersionOf(version));
  if (newest > 0) {
    description.version = newest;
    description.directory = (folder / std::to_string(newest)).string();
  }
  return description;
}

absl::StatusOr<std::vector<FoundModel>> ScanRepository(const std::string& directory) {
  std::vector<FoundModel> found;
  std::error_code error;
  const fs::file_status status = fs::status(directory, error);
  if (status.type() == fs::file_type::not_found) return found;
  if (status.type() == fs::file_type::none) return CannotRead(directory, error);
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, Folders(directory));
  for (const std::string& name : names) {
    if (IsModelName(name)) found.push_back({name, ScanModel(directory, name)});
  }
  return found;
}

}  // namespace souvenir::compute
