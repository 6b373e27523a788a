#include "compute-service/repository/model_source.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "common/logging/log_limit.h"
#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "compute-service/backends/model_files.h"
#include "compute-service/repository/model_digest.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"repository"};
constinit LogLimit unavailable_limit;  // folders may come, change and go many times a second

// Returns true if `config` is of a model for `backend`.
bool Names(const inference::ModelConfig& config, const Backend& backend) {
  if (!config.backend().empty()) return config.backend() == backend.name();
  return !config.platform().empty() && config.platform() == backend.platform();
}

}  // namespace

absl::StatusOr<std::vector<FoundModel>> ModelSource::ReadAll(std::vector<absl::Status>* refused) {
  SOUVENIR_ASSIGN_OR_RETURN(std::vector<FoundModel> found,
                            ScanRepository(options_.directory, refused));
  std::set<std::string> names;
  for (const FoundModel& model : found) names.insert(model.name);
  for (Backend* backend : backends_) {
    for (ModelDescription& description : backend->Discover()) {
      const std::string name = description.config.name();
      if (!names.insert(name).second) continue;  // the directory or an earlier backend has it
      found.push_back({name, ModelVersions{.served = {std::move(description)}}});
    }
  }
  return found;
}

absl::StatusOr<ModelVersions> ModelSource::Read(const std::string& name) {
  absl::StatusOr<ModelVersions> in_directory = ScanModel(options_.directory, name);
  if (!absl::IsNotFound(in_directory.status())) return in_directory;
  for (Backend* backend : backends_) {
    for (ModelDescription& description : backend->Discover()) {
      if (description.config.name() == name) {
        return ModelVersions{.served = {std::move(description)}};
      }
    }
  }
  return in_directory;
}

ModelsByVersion ModelSource::Make(const std::string& name, absl::StatusOr<ModelVersions> versions) {
  ModelsByVersion made;
  const auto broken = [&](ModelDescription known, const absl::Status& error) {
    log.Warning(unavailable_limit, "model is unavailable",
                {{"model", name}, {"reason", std::string(error.message())}});
    return ServedModel::Broken(std::move(known), error, *context_);
  };
  if (!versions.ok()) {
    ModelDescription known;
    known.config.set_name(name);
    made[known.version] = broken(known, versions.status());
    return made;
  }
  for (const ModelDescription& version : versions->served) {
    absl::StatusOr<std::shared_ptr<ServedModel>> model = MakeVersion(version);
    made[version.version] = model.ok() ? *std::move(model) : broken(version, model.status());
  }
  return made;
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelSource::MakeVersion(
    ModelDescription description) {
  Backend* backend = nullptr;
  std::string names;
  for (Backend* const candidate : backends_) {
    if (Names(description.config, *candidate)) backend = candidate;
    names += fmt::format("{}'{}'", names.empty() ? "" : ", ", candidate->name());
  }
  if (backend == nullptr) {
    const bool by_platform =
        description.config.backend().empty() && !description.config.platform().empty();
    return absl::InvalidArgumentError(fmt::format(
        "there is no backend {}'{}'; there is: {}", by_platform ? "for the platform " : "",
        by_platform ? description.config.platform() : description.config.backend(),
        names.empty() ? "none" : names));
  }
  description.config.set_backend(std::string(backend->name()));
  SOUVENIR_RETURN_IF_ERROR(backend->Complete(&description));
  SOUVENIR_RETURN_IF_ERROR(CheckModelConfig(description.config));
  SOUVENIR_ASSIGN_OR_RETURN(const ModelSettings settings,
                            ReadModelSettings(description.config, options_.defaults));
  // Noted before the digest is computed, so that no process serves other files under it.
  SOUVENIR_ASSIGN_OR_RETURN(
      description.check_files,
      MakeFilesCheck(backend, description,
                     [context = context_, name = description.config.name(),
                      version = description.version](const std::string& state) {
                       if (context->on_files_changed) {
                         context->on_files_changed(name, version, state);
                       }
                     }));
  SOUVENIR_ASSIGN_OR_RETURN(const std::string backend_digest, backend->Digest(description));
  std::string digest = ModelDigest(description, backend_digest);
  return ServedModel::Create(std::move(description), std::move(digest), backend, settings,
                             *context_);
}

}  // namespace souvenir::compute
