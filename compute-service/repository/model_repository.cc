#include "compute-service/repository/model_repository.h"

#include <fmt/format.h>

#include <utility>

#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "compute-service/repository/model_digest.h"
#include "compute-service/repository/model_scan.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"repository"};

// Loads that may wait; more than there are models in any sensible repository.
constexpr size_t kLoadQueue = 4096;

// Names in a message, as many as fit into a status that travels in a header.
template <typename Models>
std::string ListNames(const Models& models) {
  constexpr size_t kMostBytes = 1000;
  std::string list;
  size_t listed = 0;
  for (const auto& [name, model] : models) {
    if (list.size() + name.size() > kMostBytes) break;
    if (listed++ > 0) list += ", ";
    list += name;
  }
  if (listed < models.size()) list += fmt::format(" and {} more", models.size() - listed);
  return list.empty() ? "none" : list;
}

// Whether `config` is of a model for `backend`.
bool Names(const inference::ModelConfig& config, const Backend& backend) {
  if (!config.backend().empty()) return config.backend() == backend.name();
  return !config.platform().empty() && config.platform() == backend.platform();
}

void Answer(ModelRepository::Done& done, absl::Status status) {
  std::move(done)(std::move(status));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModelRepository>> ModelRepository::Create(
    Options options, std::vector<Backend*> backends, Clock* clock, TimerQueue* timers) {
  SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<ThreadExecutor> loader,
                            ThreadExecutor::Create({.name = "loader",
                                                    .threads = options.load_threads,
                                                    .queue_limit = kLoadQueue,
                                                    .nice = options.nice}));
  std::unique_ptr<ModelRepository> repository(new ModelRepository(
      std::move(options), std::move(backends), clock, timers, std::move(loader)));
  SOUVENIR_RETURN_IF_ERROR(repository->ReadAll());
  return repository;
}

ModelRepository::ModelRepository(Options options, std::vector<Backend*> backends, Clock* clock,
                                 TimerQueue* timers, std::unique_ptr<ThreadExecutor> loader)
    : options_(std::move(options)), backends_(std::move(backends)), loader_(std::move(loader)) {
  context_.clock = clock;
  context_.timers = timers;
  context_.loader = loader_.get();
  context_.loads = &loads_;
  context_.nice = options_.nice;
  context_.on_change = options_.on_change;
}

ModelRepository::~ModelRepository() { Stop(absl::ZeroDuration()); }

absl::Status ModelRepository::ReadAll() {
  SOUVENIR_ASSIGN_OR_RETURN(std::vector<FoundModel> found, ScanRepository(options_.directory));
  std::map<std::string, std::shared_ptr<ServedModel>, std::less<>> models;
  for (FoundModel& model : found) {
    models.emplace(model.name, Serve(model.name, std::move(model.description)));
  }
  for (Backend* backend : backends_) {
    for (ModelDescription& description : backend->Discover()) {
      const std::string name = description.config.name();
      if (models.contains(name)) continue;  // the directory's, or an earlier backend's
      models.emplace(name, Serve(name, std::move(description)));
    }
  }
  log.Info("models found", {{"models", models.size()}, {"repository", options_.directory}});
  MutexLock lock(&mutex_);
  models_ = std::move(models);
  return absl::OkStatus();
}

std::shared_ptr<ServedModel> ModelRepository::Serve(const std::string& name,
                                                    absl::StatusOr<ModelDescription> description) {
  ModelDescription known;
  known.config.set_name(name);
  absl::Status error = description.status();
  if (description.ok()) {
    known = *description;
    absl::StatusOr<std::shared_ptr<ServedModel>> model = Prepare(*std::move(description));
    if (model.ok()) return *std::move(model);
    error = model.status();
  }
  log.Warning("model is unavailable", {{"model", name}, {"reason", std::string(error.message())}});
  return ServedModel::Broken(std::move(known), error, context_);
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRepository::Prepare(
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
  SOUVENIR_ASSIGN_OR_RETURN(const std::string backend_digest, backend->Digest(description));
  std::string digest = ModelDigest(description, backend_digest);
  return ServedModel::Create(std::move(description), std::move(digest), backend, settings,
                             context_);
}

absl::StatusOr<ModelDescription> ModelRepository::Describe(const std::string& name) {
  absl::StatusOr<ModelDescription> in_directory = ScanModel(options_.directory, name);
  if (!absl::IsNotFound(in_directory.status())) return in_directory;
  for (Backend* backend : backends_) {
    for (ModelDescription& description : backend->Discover()) {
      if (description.config.name() == name) return std::move(description);
    }
  }
  MutexLock lock(&mutex_);
  return NotFound(name);
}

absl::Status ModelRepository::NotFound(std::string_view name) const {
  return absl::NotFoundError(fmt::format("there is no model '{}'; there are: {}",
                                         name.substr(0, 100), ListNames(models_)));
}

absl::StatusOr<std::shared_ptr<ServedModel>> ModelRepository::Find(std::string_view name,
                                                                   std::string_view version) const {
  MutexLock lock(&mutex_);
  const auto it = models_.find(name);
  if (it == models_.end()) return NotFound(name);
  if (!version.empty() && version != it->second->version()) {
    return absl::NotFoundError(fmt::format("model '{}' has no version '{}'; there is version {}",
                                           it->second->name(), version.substr(0, 100),
                                           it->second->version()));
  }
  return it->second;
}

std::vector<std::shared_ptr<ServedModel>> ModelRepository::All() const {
  std::vector<std::shared_ptr<ServedModel>> all;
  MutexLock lock(&mutex_);
  all.reserve(models_.size());
  for (const auto& [name, model] : models_) all.push_back(model);
  return all;
}

void ModelRepository::Load(std::string name, Done done) {
  const auto shared_done = std::make_shared<Done>(std::move(done));
  Later(
      [this, name = std::move(name), shared_done] {
        std::shared_ptr<ServedModel> replaced;
        Answer(*shared_done, LoadNow(name, &replaced));
        if (replaced != nullptr) replaced->Stop(options_.drain_timeout);
      },
      shared_done);
}

absl::Status ModelRepository::LoadNow(const std::string& name,
                                      std::shared_ptr<ServedModel>* replaced) {
  absl::StatusOr<ModelDescription> description = Describe(name);
  if (absl::IsNotFound(description.status())) return description.status();
  std::shared_ptr<ServedModel> model = Serve(name, std::move(description));
  absl::Status loaded = model->Load();
  {
    MutexLock lock(&mutex_);
    std::shared_ptr<ServedModel>& served = models_[name];
    // One that failed takes the place only of one that cannot be asked either.
    if (!loaded.ok() && served != nullptr && served->status().state != ModelState::kUnavailable) {
      *replaced = std::move(model);
      return loaded;
    }
    *replaced = std::exchange(served, std::move(model));
  }
  if (options_.on_change) options_.on_change(name);
  return loaded;
}

void ModelRepository::Unload(std::string name, Done done) {
  const auto shared_done = std::make_shared<Done>(std::move(done));
  Later(
      [this, name = std::move(name), shared_done] {
        absl::StatusOr<std::shared_ptr<ServedModel>> model = Find(name, "");
        if (model.ok()) (*model)->Stop(options_.drain_timeout);
        Answer(*shared_done, model.status());
      },
      shared_done);
}

void ModelRepository::Later(Task task, const std::shared_ptr<Done>& done) {
  if (loader_->TrySubmit(task)) return;
  Answer(*done, absl::ResourceExhaustedError("no more models can be loaded or unloaded now: too "
                                             "many wait, or the server is stopping"));
}

void ModelRepository::FailWaiting(const absl::Status& status) {
  for (const std::shared_ptr<ServedModel>& model : All()) model->FailWaiting(status);
}

void ModelRepository::Stop(absl::Duration grace) {
  const absl::Duration end = context_.clock->Monotonic() + grace;
  // Models that requests wait for finish loading, so that those requests are answered.
  loader_->Stop();
  for (const std::shared_ptr<ServedModel>& model : All()) {
    model->Stop(std::max(absl::ZeroDuration(), end - context_.clock->Monotonic()));
  }
}

}  // namespace souvenir::compute
