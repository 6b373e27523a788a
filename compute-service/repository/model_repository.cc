#include "compute-service/repository/model_repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "common/logging/log_limit.h"
#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "compute-service/repository/model_digest.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"repository"};
constinit LogLimit poll_limit;
constinit LogLimit refused_limit;  // folders whose names are none

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

// How many of the versions can be asked.
template <typename Versions>
size_t Asked(const Versions& versions) {
  return static_cast<size_t>(std::count_if(versions.begin(), versions.end(), [](const auto& item) {
    return item.second->can_be_asked();
  }));
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
    : options_(std::move(options)),
      backends_(std::move(backends)),
      model_loader_({.worker_directory = options_.worker_directory, .nice = options_.nice}),
      start_(fmt::format("{:x}{:x}", absl::ToUnixNanos(clock->Now()), std::random_device()())),
      loader_(std::move(loader)) {
  context_.clock = clock;
  context_.timers = timers;
  context_.loader = loader_.get();
  context_.model_loader = &model_loader_;
  context_.loads = &loads_;
  context_.nice = options_.nice;
  context_.on_change = [this](const std::string& name) {
    ++changes_;
    if (options_.on_change) options_.on_change(name);
  };
  context_.on_load_failed = [this](const std::string& name) { FallBack(name); };
}

ModelRepository::~ModelRepository() { Stop(absl::ZeroDuration()); }

absl::Status ModelRepository::ReadAll() {
  std::vector<absl::Status> refused;
  SOUVENIR_ASSIGN_OR_RETURN(std::vector<FoundModel> found,
                            ScanRepository(options_.directory, &refused));
  TellRefused(refused);
  std::map<std::string, Served, std::less<>> models;
  {
    MutexLock lock(&poll_mutex_);
    for (const FoundModel& model : found) {
      size_t entries = 0;
      Look& look = looks_[model.name];
      look.taken_up = look.seen = FolderSignature(options_.directory, model.name, &entries);
    }
  }
  for (FoundModel& model : found) {
    models.emplace(model.name, Serve(model.name, std::move(model.versions)));
  }
  for (Backend* backend : backends_) {
    for (ModelDescription& description : backend->Discover()) {
      const std::string name = description.config.name();
      if (models.contains(name)) continue;  // the directory's, or an earlier backend's
      models.emplace(name, Serve(name, ModelVersions{.served = {std::move(description)}}));
    }
  }
  log.Info("models found", {{"models", models.size()}, {"repository", options_.directory}});
  std::vector<std::string> incomplete;
  for (const auto& [name, versions] : models) {
    if (Asked(versions) < versions.size()) incomplete.push_back(name);
  }
  {
    MutexLock lock(&mutex_);
    models_ = std::move(models);
  }
  for (const std::string& name : incomplete) FallBack(name);
  return absl::OkStatus();
}

void ModelRepository::TellRefused(const std::vector<absl::Status>& refused) {
  std::set<std::string> reasons;
  for (const absl::Status& folder : refused) reasons.emplace(folder.message());
  std::set<std::string> told;
  {
    MutexLock lock(&poll_mutex_);
    told = std::exchange(refused_, reasons);
  }
  for (const std::string& reason : reasons) {
    if (!told.contains(reason))
      log.Warning(refused_limit, "a folder is no model's", {{"reason", reason}});
  }
}

ModelRepository::Served ModelRepository::Serve(const std::string& name,
                                               absl::StatusOr<ModelVersions> versions) {
  Served served;
  const auto broken = [&](ModelDescription known, const absl::Status& error) {
    log.Warning("model is unavailable",
                {{"model", name}, {"reason", std::string(error.message())}});
    return ServedModel::Broken(std::move(known), error, context_);
  };
  if (!versions.ok()) {
    ModelDescription known;
    known.config.set_name(name);
    served[known.version] = broken(known, versions.status());
    return served;
  }
  for (const ModelDescription& version : versions->served) {
    absl::StatusOr<std::shared_ptr<ServedModel>> model = Prepare(version);
    served[version.version] = model.ok() ? *std::move(model) : broken(version, model.status());
  }
  return served;
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

absl::StatusOr<ModelVersions> ModelRepository::Describe(const std::string& name) {
  absl::StatusOr<ModelVersions> in_directory = ScanModel(options_.directory, name);
  if (!absl::IsNotFound(in_directory.status())) return in_directory;
  for (Backend* backend : backends_) {
    for (ModelDescription& description : backend->Discover()) {
      if (description.config.name() == name) {
        return ModelVersions{.served = {std::move(description)}};
      }
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
  const auto found = models_.find(name);
  if (found == models_.end() || found->second.empty()) return NotFound(name);
  const Served& versions = found->second;
  if (version.empty()) {
    const auto serving = std::find_if(versions.rbegin(), versions.rend(), [](const auto& model) {
      return model.second->can_be_asked();
    });
    return serving != versions.rend() ? serving->second : versions.rbegin()->second;
  }
  std::string there;
  for (const auto& [number, model] : versions) {
    if (version == model->version()) return model;
    there += (there.empty() ? "" : ", ") + model->version();
  }
  return absl::NotFoundError(fmt::format("model '{}' has no version '{}'; there is version {}",
                                         found->first, version.substr(0, 100), there));
}

std::vector<std::shared_ptr<ServedModel>> ModelRepository::All() const {
  std::vector<std::shared_ptr<ServedModel>> all;
  MutexLock lock(&mutex_);
  for (const auto& [name, versions] : models_) {
    for (const auto& [version, model] : versions) all.push_back(model);
  }
  return all;
}

std::vector<std::shared_ptr<ServedModel>> ModelRepository::Versions(std::string_view name) const {
  std::vector<std::shared_ptr<ServedModel>> all;
  MutexLock lock(&mutex_);
  const auto found = models_.find(name);
  if (found == models_.end()) return all;
  for (const auto& [version, model] : found->second) all.push_back(model);
  return all;
}

std::string ModelRepository::revision() const {
  return fmt::format("{}-{}", start_, changes_.load());
}

void ModelRepository::Load(std::string name, Done done) {
  const auto shared_done = std::make_shared<Done>(std::move(done));
  Later(
      [this, name = std::move(name), shared_done] {
        std::vector<std::shared_ptr<ServedModel>> replaced;
        Answer(*shared_done, Replace(name, /*load=*/true, &replaced));
        for (const auto& model : replaced) model->Stop(options_.drain_timeout);
      },
      shared_done);
}

absl::Status ModelRepository::Replace(const std::string& name, bool load,
                                      std::vector<std::shared_ptr<ServedModel>>* replaced) {
  absl::StatusOr<ModelVersions> described = Describe(name);
  if (absl::IsNotFound(described.status())) return described.status();
  const bool readable = described.ok();
  std::set<int64_t> older;
  if (readable) {
    for (const ModelDescription& version : described->older) older.insert(version.version);
  }
  absl::Status first_error;
  std::map<int64_t, bool> usable;
  const Served fresh = Serve(name, std::move(described));
  for (const auto& [version, model] : fresh) {
    const bool broken = model->digest().empty();
    const absl::Status loaded = load || broken ? model->Load() : absl::OkStatus();
    usable[version] = loaded.ok();
    first_error.Update(loaded);
  }
  {
    MutexLock lock(&mutex_);
    Served& served = models_[name];
    const bool any_serves = std::any_of(served.begin(), served.end(), [](const auto& model) {
      return model.second->can_be_asked();
    });
    for (const auto& [version, model] : fresh) {
      std::shared_ptr<ServedModel>& present = served[version];
      // One that failed takes the place only of one that cannot be asked either.
      const bool keeps = !usable[version] && ((present != nullptr && present->can_be_asked()) ||
                                              (!readable && any_serves));
      std::shared_ptr<ServedModel> leaving = keeps ? model : std::exchange(present, model);
      if (leaving != nullptr) replaced->push_back(std::move(leaving));
    }
    const auto asked = std::count_if(served.begin(), served.end(), [&](const auto& item) {
      return item.second != nullptr && fresh.contains(item.first) && item.second->can_be_asked();
    });
    // So many of those behind stay, the newest ones.
    auto lacking = static_cast<int64_t>(fresh.size()) - asked;
    std::set<int64_t> staying;
    for (auto item = served.rbegin(); item != served.rend() && lacking > 0; ++item) {
      const auto& [version, model] = *item;
      if (!older.contains(version) || model == nullptr || !model->can_be_asked()) continue;
      staying.insert(version);
      --lacking;
    }
    std::erase_if(served, [&](const auto& item) {
      const auto& [version, model] = item;
      const bool gone =
          model == nullptr || (readable && !fresh.contains(version) && !staying.contains(version));
      if (gone && model != nullptr) replaced->push_back(model);
      return gone;
    });
  }
  if (!first_error.ok()) FallBack(name);
  context_.on_change(name);
  return first_error;
}

void ModelRepository::FallBack(const std::string& name) {
  absl::StatusOr<ModelVersions> described = Describe(name);
  if (!described.ok() || described->older.empty()) return;
  const size_t wanted = described->served.size();
  for (ModelDescription& version : described->older) {
    const int64_t number = version.version;
    {
      MutexLock lock(&mutex_);
      const auto served = models_.find(name);
      if (served == models_.end() || Asked(served->second) >= wanted) return;
      if (served->second.contains(number)) continue;
    }
    absl::StatusOr<std::shared_ptr<ServedModel>> model = Prepare(std::move(version));
    if (!model.ok()) continue;
    {
      MutexLock lock(&mutex_);
      const auto served = models_.find(name);
      if (served == models_.end() || Asked(served->second) >= wanted) return;
      if (!served->second.emplace(number, *model).second) continue;
    }
    log.Warning("an older version is offered, because a newer one cannot be loaded",
                {{"model", name}, {"version", number}});
    context_.on_change(name);
  }
}

void ModelRepository::Unload(std::string name, Done done) {
  const auto shared_done = std::make_shared<Done>(std::move(done));
  Later(
      [this, name = std::move(name), shared_done] {
        const absl::Status found = Find(name, "").status();
        for (const auto& model : Versions(name)) model->Stop(options_.drain_timeout);
        Answer(*shared_done, found);
      },
      shared_done);
}

void ModelRepository::Poll() {
  std::vector<absl::Status> refused;
  const absl::StatusOr<std::vector<std::string>> there = ModelNames(options_.directory, &refused);
  TellRefused(refused);
  if (!there.ok()) {
    log.Warning(poll_limit, "the repository cannot be looked at",
                {{"reason", std::string(there.status().message())}});
    return;
  }
  std::set<std::string> names(there->begin(), there->end());
  std::vector<std::string> turn;  // in which they are looked at
  size_t changing = 0;            // of these, those that are waited for
  {
    MutexLock lock(&poll_mutex_);
    for (const auto& [name, look] : looks_) {
      names.insert(name);
      if (look.seen != look.taken_up) turn.push_back(name);
    }
    changing = turn.size();
    const auto next = names.upper_bound(looked_last_);
    turn.insert(turn.end(), next, names.end());
    turn.insert(turn.end(), names.begin(), next);
  }
  size_t entries = 0;
  for (size_t i = 0; i < turn.size() && (i < changing || entries < options_.poll_entries); ++i) {
    PollModel(turn[i], &entries);
    if (i < changing) continue;
    MutexLock lock(&poll_mutex_);
    looked_last_ = turn[i];
  }
}

bool ModelRepository::HasSettled(const std::string& name, const std::string& signature) {
  const absl::Duration now = context_.clock->Monotonic();
  MutexLock lock(&poll_mutex_);
  Look& look = looks_[name];
  if (look.seen != signature) look.seen_since = now;
  look.seen = signature;
  const bool takes_up = signature != look.taken_up && now - look.seen_since >= options_.settle;
  if (takes_up) look.taken_up = signature;
  if (look.taken_up.empty() && signature.empty()) looks_.erase(name);
  return takes_up;
}

void ModelRepository::PollModel(const std::string& name, size_t* entries) {
  if (!HasSettled(name, FolderSignature(options_.directory, name, entries))) return;
  bool load = false;
  for (const auto& model : Versions(name)) {
    const ModelState state = model->status().state;
    load = load || state == ModelState::kReady || state == ModelState::kLoading;
  }
  std::vector<std::shared_ptr<ServedModel>> replaced;
  const absl::Status status = Replace(name, load, &replaced);
  if (absl::IsNotFound(status)) {
    replaced = Versions(name);
    {
      MutexLock lock(&mutex_);
      models_.erase(name);
    }
    context_.on_change(name);
  }
  log.Info(poll_limit, "a model's folder has changed",
           {{"model", name}, {"outcome", status.ok() ? "ok" : std::string(status.message())}});
  for (const auto& model : replaced) model->Stop(options_.drain_timeout);
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
