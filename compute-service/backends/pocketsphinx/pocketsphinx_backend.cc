#include "compute-service/backends/pocketsphinx/pocketsphinx_backend.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "common/read_file.h"
#include "common/sha256.h"
#include "common/status_macros.h"
#include "compute-service/backends/pocketsphinx/model_config.h"
#include "compute-service/isolation/isolated_model.h"

namespace souvenir::compute {
namespace {

// Part of the digest. It must change whenever this backend gives another answer for the same
// request and model, so that older cached answers are no longer used.
constexpr std::string_view kBackendFormat = "1";

}  // namespace

absl::Status PocketsphinxBackend::Complete(ModelDescription* description) {
  return CompletePocketsphinxConfig(description);
}

absl::StatusOr<std::string> PocketsphinxBackend::Digest(const ModelDescription& description) {
  SOUVENIR_ASSIGN_OR_RETURN(const PocketsphinxSettings settings,
                            ReadPocketsphinxSettings(description));
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<std::string> files,
                            PocketsphinxFiles(description.config.name(), settings));
  Sha256 hash;
  hash.Add(SOUVENIR_POCKETSPHINX_VERSIONS);
  hash.Add(kBackendFormat);
  for (const std::string& file : files) {
    hash.Add(std::filesystem::path(file).filename().string());
    SOUVENIR_RETURN_IF_ERROR(HashFile(file, &hash));
  }
  return HexString(hash.Finish());
}

absl::StatusOr<std::vector<std::string>> PocketsphinxBackend::DigestedFiles(
    const ModelDescription& description) {
  SOUVENIR_ASSIGN_OR_RETURN(PocketsphinxSettings settings, ReadPocketsphinxSettings(description));
  return std::vector<std::string>{std::move(settings.acoustic_model),
                                  std::move(settings.language_model),
                                  std::move(settings.dictionary)};
}

absl::StatusOr<std::unique_ptr<Model>> PocketsphinxBackend::Load(
    const ModelDescription& description, const Cancellation* cancellation) {
  SOUVENIR_ASSIGN_OR_RETURN(const PocketsphinxSettings settings,
                            ReadPocketsphinxSettings(description));
  SOUVENIR_RETURN_IF_ERROR(PocketsphinxFiles(description.config.name(), settings).status());
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
  return absl::InternalError(fmt::format("{}; a file of the model may be damaged: {}/*, {} or {}",
                                         std::string(model.status().message()),
                                         settings.acoustic_model, settings.language_model,
                                         settings.dictionary));
}

}  // namespace souvenir::compute
