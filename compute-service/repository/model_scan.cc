#include "compute-service/repository/model_scan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "common/config/text_proto.h"
#include "common/file_stamp.h"
#include "common/model_name.h"
#include "common/sha256.h"
#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

namespace fs = std::filesystem;

absl::Status CannotRead(const fs::path& path, const std::error_code& error) {
  const std::string message = fmt::format("cannot read {}: {}", path.string(), error.message());
  return error == std::errc::permission_denied ? absl::PermissionDeniedError(message)
                                               : absl::FailedPreconditionError(message);
}

// Returns true if `name` can be a folder of the repository. Hidden folders do not count.
bool IsFolderName(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos &&
         name.find('\0') == std::string::npos;
}

// Returns the version that a folder's name stands for, or 0 for other folders.
int64_t VersionOf(const std::string& name) {
  int64_t version = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), version);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && version > 0 && name.front() != '0' ? version : 0;
}

// Returns the names of the folders in `path`, sorted.
absl::StatusOr<std::vector<std::string>> Folders(const fs::path& path) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator it(path, error);
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    std::error_code ignored;  // an entry that cannot be read is not a folder
    if (it->is_directory(ignored)) names.push_back(it->path().filename().string());
  }
  if (error) return CannotRead(path, error);
  std::sort(names.begin(), names.end());
  return names;
}

enum class Links { kFollowFirst, kFollowNone };

// Adds a line for each file and folder below `folder`. The recursive iterator does not follow links
// to folders, which may lead back; kFollowFirst follows those in `folder` itself.
std::error_code AddEntries(const fs::path& folder, Links links, std::vector<std::string>* lines) {
  std::error_code error;
  fs::recursive_directory_iterator it(folder, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    const std::string path = it->path().string();
    // An entry that is removed meanwhile is noticed the next time.
    const FileStamp stamp = StampOf(path).value_or(FileStamp());
    lines->push_back(fmt::format("{} {} {} {} {}", path, stamp.inode, stamp.size, stamp.modified_ns,
                                 stamp.changed_ns));
    std::error_code ignored;
    if (links == Links::kFollowFirst && it.depth() == 0 && it->is_symlink(ignored) &&
        it->is_directory(ignored)) {
      (void)AddEntries(it->path(), Links::kFollowNone, lines);
    }
  }
  return error;
}

bool IsEmpty(const fs::path& folder) {
  std::error_code error;
  const fs::directory_iterator first(folder, error);
  return !error && first == fs::directory_iterator();
}

// Returns the versions in a model's folder. If all of their folders are empty, the model needs no
// files, and all of them count.
absl::StatusOr<std::set<int64_t>> VersionsIn(const fs::path& folder) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<std::string> folders, Folders(folder));
  std::set<int64_t> all;
  std::set<int64_t> filled;
  for (const std::string& name : folders) {
    const int64_t version = VersionOf(name);
    if (version == 0) continue;
    all.insert(version);
    if (!IsEmpty(folder / name)) filled.insert(version);
  }
  return filled.empty() ? all : filled;
}

// Returns the versions of `there` that the model's policy serves.
absl::StatusOr<std::set<int64_t>> ChooseVersions(const inference::ModelConfig& config,
                                                 std::set<int64_t> there) {
  const inference::ModelVersionPolicy& policy = config.version_policy();
  if (policy.has_all()) return there;
  if (!policy.has_specific()) {
    const size_t most = std::max(1u, policy.latest().num_versions());
    while (there.size() > most) there.erase(there.begin());
    return there;
  }
  std::set<int64_t> chosen;
  for (const int64_t version : policy.specific().versions()) {
    if (!there.contains(version)) {
      return absl::InvalidArgumentError(
          fmt::format("version_policy.specific asks for version {}; there are: {}", version,
                      fmt::join(there, ", ")));
    }
    chosen.insert(version);
  }
  if (chosen.empty()) {
    return absl::InvalidArgumentError("version_policy.specific names no version");
  }
  return chosen;
}

}  // namespace

absl::StatusOr<ModelVersions> ScanModel(const std::string& directory, const std::string& name) {
  const fs::path folder = fs::path(directory) / name;
  std::error_code error;
  if (!IsFolderName(name) || !CheckModelName(name).ok() || !fs::is_directory(folder, error)) {
    return absl::NotFoundError(
        fmt::format("there is no folder '{}' in the repository '{}'", name, directory));
  }
  ModelDescription description;
  const std::string file = (folder / "config.pbtxt").string();
  const absl::Status read = ReadTextProto(file, &description.config);
  if (absl::IsNotFound(read)) {
    return absl::FailedPreconditionError(fmt::format(
        "the folder '{}' is there, but has no config.pbtxt: {} is expected", name, file));
  }
  SOUVENIR_RETURN_IF_ERROR(read);
  inference::ModelConfig& config = description.config;
  if (config.name().empty()) config.set_name(name);
  if (config.name() != name) {
    return absl::InvalidArgumentError(
        fmt::format("{}: the name is '{}'; it must be that of the folder, '{}'",
                    (folder / "config.pbtxt").string(), config.name(), name));
  }
  SOUVENIR_ASSIGN_OR_RETURN(const std::set<int64_t> there, VersionsIn(folder));
  SOUVENIR_ASSIGN_OR_RETURN(const std::set<int64_t> served,
                            ChooseVersions(config, there.empty() ? std::set<int64_t>{1} : there));
  const auto described = [&](int64_t version) {
    description.version = version;
    if (!there.empty()) description.directory = (folder / std::to_string(version)).string();
    return description;
  };
  ModelVersions versions;
  for (const int64_t version : served) versions.served.push_back(described(version));
  if (config.version_policy().has_specific()) return versions;
  for (auto version = there.rbegin(); version != there.rend(); ++version) {
    if (*version < *served.begin()) versions.older.push_back(described(*version));
  }
  return versions;
}

absl::StatusOr<std::vector<std::string>> ModelNames(const std::string& directory,
                                                    std::vector<absl::Status>* refused) {
  std::error_code error;
  const fs::file_status status = fs::status(directory, error);
  if (status.type() == fs::file_type::not_found) return std::vector<std::string>();
  if (status.type() == fs::file_type::none) return CannotRead(directory, error);
  SOUVENIR_ASSIGN_OR_RETURN(std::vector<std::string> names, Folders(directory));
  std::erase_if(names, [&](const std::string& name) {
    if (!IsFolderName(name)) return true;
    absl::Status checked = CheckModelName(name);
    if (checked.ok()) return false;
    if (refused != nullptr) refused->push_back(std::move(checked));
    return true;
  });
  return names;
}

absl::StatusOr<std::vector<FoundModel>> ScanRepository(const std::string& directory,
                                                       std::vector<absl::Status>* refused) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ModelNames(directory, refused));
  std::vector<FoundModel> found;
  for (const std::string& name : names) found.push_back({name, ScanModel(directory, name)});
  return found;
}

std::string FolderSignature(const std::string& directory, const std::string& name,
                            size_t* entries) {
  std::vector<std::string> lines;
  const fs::path folder = fs::path(directory) / name;
  ++*entries;
  const std::error_code error = AddEntries(folder, Links::kFollowFirst, &lines);
  *entries += lines.size();
  if (error && lines.empty()) return "";
  std::sort(lines.begin(), lines.end());
  Sha256 hash;
  hash.Add(folder.string());
  for (const std::string& line : lines) hash.Add(line);
  return HexString(hash.Finish());
}

}  // namespace souvenir::compute
