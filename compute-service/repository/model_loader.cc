#include "compute-service/repository/model_loader.h"

#include <fmt/format.h>

#include <utility>

#include "common/logging/log_limit.h"
#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "compute-service/isolation/isolated_model.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"repository"};
constinit LogLimit fallback_limit;

// A model in the service's threads. Its instances may read its files when they are created.
class CheckedModel final : public Model {
 public:
  CheckedModel(std::unique_ptr<Model> model, FilesCheck check)
      : model_(std::move(model)), check_(std::move(check)) {}

  absl::StatusOr<std::unique_ptr<Instance>> CreateInstance() override {
    absl::StatusOr<std::unique_ptr<Instance>> instance = model_->CreateInstance();
    SOUVENIR_RETURN_IF_ERROR(check_());
    return instance;
  }
  uint64_t lost_workers() const override { return model_->lost_workers(); }
  uint64_t MemoryBytes() override { return model_->MemoryBytes(); }

 private:
  const std::unique_ptr<Model> model_;
  const FilesCheck check_;
};

}  // namespace

absl::StatusOr<LoadedModel> ModelLoader::Load(Backend& backend, const ModelDescription& description,
                                              const ModelSettings& settings,
                                              const Cancellation* cancellation) const {
  SOUVENIR_RETURN_IF_ERROR(description.CheckFiles());  // saves the load
  absl::StatusOr<LoadedModel> loaded = LoadUnchecked(backend, description, settings, cancellation);
  if (IsFilesChanged(loaded.status())) return loaded;  // the engine may know more of the change
  // Also after a load that failed, because a change explains it better than the engine.
  SOUVENIR_RETURN_IF_ERROR(description.CheckFiles());
  return loaded;
}

absl::StatusOr<LoadedModel> ModelLoader::LoadUnchecked(Backend& backend,
                                                       const ModelDescription& description,
                                                       const ModelSettings& settings,
                                                       const Cancellation* cancellation) const {
  LoadedModel loaded;
  if (settings.isolation == Isolation::kProcess && !backend.isolates_itself()) {
    absl::StatusOr<std::unique_ptr<Model>> isolated =
        LoadIsolated(backend, description, cancellation);
    // Only if no process can be started at all. A load that ends a process would end this one.
    const bool falls_back =
        settings.fall_back_to_thread && absl::IsFailedPrecondition(isolated.status());
    if (!falls_back) {
      SOUVENIR_RETURN_IF_ERROR(isolated.status());
      loaded.model = *std::move(isolated);
      return loaded;
    }
    loaded.note = fmt::format("runs in threads, because no process could be started: {}",
                              std::string(isolated.status().message()));
    log.Warning(fallback_limit, "no worker process can be started: the model runs in threads",
                {{"model", description.config.name()},
                 {"reason", std::string(isolated.status().message())}});
  }
  SOUVENIR_ASSIGN_OR_RETURN(loaded.model, backend.Load(description, cancellation));
  if (!backend.isolates_itself() && description.check_files) {
    loaded.model = std::make_unique<CheckedModel>(std::move(loaded.model), description.check_files);
  }
  return loaded;
}

absl::StatusOr<std::unique_ptr<Model>> ModelLoader::LoadIsolated(
    const Backend& backend, const ModelDescription& description,
    const Cancellation* cancellation) const {
  WorkerHost::Options worker;
  worker.name = description.config.name();
  worker.program = fmt::format("{}/souvenir-worker-{}", worker_directory_, backend.name());
  worker.nice = description.nice;
  worker.cancellation = cancellation;
  return IsolatedModel::Load(std::move(worker), description);
}

}  // namespace souvenir::compute
