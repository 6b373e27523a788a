#include "compute-service/backends/espeak-ng/espeak_ng_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "common/read_file.h"
#include "common/sha256.h"
#include "common/status_macros.h"
#include "compute-service/backends/espeak-ng/model_config.h"
#include "compute-service/isolation/isolated_model.h"

namespace souvenir::compute {
namespace {

namespace fs = std::filesystem;

// Part of the digest. It must change whenever this backend gives another answer for the same
// request and model, so that older cached answers are no longer used.
constexpr std::string_view kBackendFormat = "2";

// Returns the paths of all files below `folder`, relative to it and sorted.
absl::StatusOr<std::vector<std::string>> FilesBelow(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error);
       !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) {
      files.push_back(it->path().lexically_relative(folder).string());
    }
  }
  if (error) {
    return absl::FailedPreconditionError(
        fmt::format("cannot read {}: {}", folder, error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

absl::Status EspeakNgBackend::Complete(ModelDescription* description) {
  return CompleteEspeakNgConfig(&description->config);
}

absl::StatusOr<std::string> EspeakNgBackend::Digest(const ModelDescription& description) {
  SOUVENIR_ASSIGN_OR_RETURN(const EspeakNgSettings settings,
                            ReadEspeakNgSettings(description.config));
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<std::string> files, FilesBelow(settings.data));
  Sha256 hash;
  hash.Add("espeak-ng " SOUVENIR_ESPEAK_NG_VERSION);
  hash.Add(kBackendFormat);
  for (const std::string& file : files) {
    hash.Add(file);
    SOUVENIR_RETURN_IF_ERROR(HashFile((fs::path(settings.data) / file).string(), &hash));
  }
  return HexString(hash.Finish());
}

absl::StatusOr<std::vector<std::string>> EspeakNgBackend::DigestedFiles(
    const ModelDescription& description) {
  SOUVENIR_ASSIGN_OR_RETURN(EspeakNgSettings settings, ReadEspeakNgSettings(description.config));
  return std::vector<std::string>{std::move(settings.data)};
}

absl::StatusOr<std::unique_ptr<Model>> EspeakNgBackend::Load(const ModelDescription& description,
                                                             const Cancellation* cancellation) {
  WorkerHost::Options worker;
  worker.name = description.config.name();
  worker.program = options_.worker_program;
  worker.nice = description.nice;
  worker.cancellation = cancellation;
  worker.recycle_after = 1;
  absl::StatusOr<std::unique_ptr<Model>> model =
      IsolatedModel::Load(std::move(worker), description, IsolatedModel::Asks::kByRow);
  if (!absl::IsInternal(model.status())) return model;
  // The engine does not check its files, and ends its process on damaged ones.
  SOUVENIR_ASSIGN_OR_RETURN(const EspeakNgSettings settings,
                            ReadEspeakNgSettings(description.config));
  return absl::InternalError(fmt::format("{}; the data in {} may be damaged",
                                         std::string(model.status().message()), settings.data));
}

}  // namespace souvenir::compute
