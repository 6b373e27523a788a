#include "compute-service/repository/model_repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>

#include "common/logging/log_limit.h"
#include "common/logging/logging.h"
#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"repository"};
constinit LogLimit poll_limit;
constinit LogLimit older_limit;

// Models that drain at the same time, so that a slow one does not stop the others.
constexpr int kDrainThreads = 2;
// Most drains that may wait; more than any sensible repository has models.
constexpr size_t kDrainQueue = 4096;

}  // namespace

absl::StatusOr<std::unique_ptr<ModelRepository>> ModelRepository::Create(
    Options options, std::vector<Backend*> backends, Clock* clock, TimerQueue* timers) {
  std::unique_ptr<ModelRepository> repository(
      new ModelRepository(std::move(options), std::move(backends), clock, timers));
  SOUVENIR_RETURN_IF_ERROR(repository->StartThreads());
  SOUVENIR_RETURN_IF_ERROR(repository->ReadAll());
  return repository;
}

ModelRepository::ModelRepository(Options options, std::vector<Backend*> backends, Clock* clock,
                                 TimerQueue* timers)
    : options_(std::move(options)),
      model_loader_(options_.worker_directory),
      start_(fmt::format("{:x}{:x}", absl::ToUnixNanos(clock->Now()), std::random_device()())),
      source_({.directory = options_.directory, .defaults = options_.defaults}, std::move(backends),
              &context_),
      watch_({.directory = options_.directory,
              .settle = options_.settle,
              .poll_entries = options_.poll_entries},
             clock) {
  context_.clock = clock;
  context_.timers = timers;
  context_.model_loader = &model_loader_;
  context_.loads = &counters_;
  context_.queue_bytes = options_.queue_bytes;
  context_.on_change = [this](const std::string& name) {
    ++changes_;
    if (options_.on_change) options_.on_change(name);
  };
  context_.on_load_failed = [this](const std::string& name) { FallBack(name); };
  context_.on_files_changed = [this](const std::string& name, int64_t version,
                                     const std::string& state) {
    MutexLock lock(&changed_files_mutex_);
    changed_files_[{name, version}].state = state;
  };
}

absl::Status ModelRepository::StartThreads() {
  SOUVENIR_ASSIGN_OR_RETURN(drainer_, ThreadExecutor::Create({.name = "drainer",
                                                              .threads = kDrainThreads,
                                                              .queue_limit = kDrainQueue,
                                                              .nice = options_.defaults.nice}));
  SOUVENIR_ASSIGN_OR_RETURN(
      loads_,
      ModelLoads::Create(
          {.threads = options_.load_threads,
           .nice = options_.defaults.nice,
           .work = [this](const std::string& name, LoadJob& job) { return LoadNow(name, job); },
           .signature = [this](const std::string& name) { return watch_.Signature(name); }}));
  context_.loader = loads_.get();
  return absl::OkStatus();
}

ModelRepository::~ModelRepository() { Stop(absl::ZeroDuration()); }

absl::Status ModelRepository::ReadAll() {
  std::vector<absl::Status> refused;
  SOUVENIR_ASSIGN_OR_RETURN(std::vector<FoundModel> found, source_.ReadAll(&refused));
  watch_.TellRefused(refused);
  for (FoundModel& model : found) {
    (void)watch_.TakeUp(model.name);
    ModelTable::Reading reading{.number = table_.BeginReading()};
    reading.fresh = source_.Make(model.name, std::move(model.versions));
    (void)table_.TakeOver(model.name, reading);
  }
  log.Info("models found", {{"models", found.size()}, {"repository", options_.directory}});
  for (const FoundModel& model : found) {
    const std::vector<std::shared_ptr<ServedModel>> versions = Versions(model.name);
    const bool complete = std::all_of(versions.begin(), versions.end(),
                                      [](const auto& version) { return version->can_be_asked(); });
    if (!complete) FallBack(model.name);
  }
  return absl::OkStatus();
}

std::string ModelRepository::revision() const {
  return fmt::format("{}-{}", start_, changes_.load());
}

void ModelRepository::Load(std::string name, Done done) {
  loads_->Load(std::move(name), std::move(done));
}

std::optional<absl::Status> ModelRepository::LoadNow(const std::string& name, LoadJob& job) {
  ModelTable::Reading reading{.number = table_.BeginReading(), .cancelled = &job.cancelled()};
  job.set_signature(watch_.TakeUp(name));
  absl::StatusOr<ModelVersions> read = source_.Read(name);
  if (absl::IsNotFound(read.status())) return table_.NotFound(name);
  reading.readable = read.ok();
  if (read.ok()) {
    for (const ModelDescription& version : read->older) reading.older.insert(version.version);
  }
  const auto made = source_.Make(name, std::move(read));
  for (const auto& [version, model] : made) {
    const std::shared_ptr<ServedModel> loading = FreshOrLoading(model, job);
    if (!loading->being_loaded()) continue;
    job.Await(loading);
    return std::nullopt;
  }
  absl::Status first_error;
  for (const auto& [version, model] : made) {
    const std::shared_ptr<ServedModel> loading = FreshOrLoading(model, job);
    reading.fresh[version] = loading;
    if (loading == model) job.Add(model);  // a load for requests is not cancelled with this job
    const absl::Status loaded = job.Awaits(loading) ? loading->LoadUnlessFailed() : loading->Load();
    if (loaded.ok()) reading.usable.insert(version);
    first_error.Update(loaded);
  }
  TakeOver(name, reading);
  return job.cancelled() ? job.why() : first_error;
}

std::shared_ptr<ServedModel> ModelRepository::FreshOrLoading(
    const std::shared_ptr<ServedModel>& fresh, const LoadJob& job) const {
  for (const std::shared_ptr<ServedModel>& model : Versions(fresh->name())) {
    const bool loads = model->status().state == ModelState::kLoading || job.Awaits(model);
    if (loads && model->version() == fresh->version() && model->digest() == fresh->digest() &&
        model->config().SerializeAsString() == fresh->config().SerializeAsString() &&
        model->FilesAreUnchanged()) {
      return model;
    }
  }
  return fresh;
}

void ModelRepository::TakeOver(const std::string& name, const ModelTable::Reading& reading) {
  {
    MutexLock lock(&changed_files_mutex_);
    for (auto& [version, files] : changed_files_) {
      if (version.first == name) files.state.clear();
    }
  }
  Drain(table_.TakeOver(name, reading));
  if (reading.cancelled != nullptr && *reading.cancelled) return;
  if (reading.usable.size() < reading.fresh.size()) FallBack(name);
  context_.on_change(name);
}

void ModelRepository::FallBack(const std::string& name) {
  absl::StatusOr<ModelVersions> read = source_.Read(name);
  if (!read.ok() || read->older.empty()) return;
  const size_t wanted = read->served.size();
  for (ModelDescription& version : read->older) {
    const int64_t number = version.version;
    if (!table_.Lacks(name, wanted)) return;
    if (table_.Has(name, number)) continue;
    absl::StatusOr<std::shared_ptr<ServedModel>> model = source_.MakeVersion(std::move(version));
    if (!model.ok() || !table_.Offer(name, number, *std::move(model), wanted)) continue;
    log.Warning(older_limit, "an older version is offered, because a newer one cannot be loaded",
                {{"model", name}, {"version", number}});
    context_.on_change(name);
  }
}

void ModelRepository::Unload(std::string name, Done done) {
  const absl::Status why = ServedModel::UnloadedError(name);
  // Cancelled before the table is read: then the models of that load are in the table, or come too
  // late.
  const bool loaded = loads_->Cancel(name, why);
  ModelTable::Models models = Versions(name);
  const absl::Status found = models.empty() && !loaded ? table_.NotFound(name) : absl::OkStatus();
  for (const auto& model : models) model->CancelLoad(why);
  const auto shared_done = std::make_shared<Done>(std::move(done));
  Task drain =
      DrainTask(std::move(models), [shared_done, found] { std::move (*shared_done)(found); });
  if (drainer_->TrySubmit(drain)) return;
  std::move (*shared_done)(absl::ResourceExhaustedError(
      "no more models can be unloaded now: too many wait, or the server is stopping"));
}

void ModelRepository::Poll() {
  std::set<std::string> changed;
  {
    MutexLock lock(&changed_files_mutex_);
    for (const auto& [version, files] : changed_files_) {
      if (!files.state.empty() && files.state != files.taken_up) changed.insert(version.first);
    }
  }
  watch_.Poll([&](const std::string& name) {
    changed.erase(name);
    TakeUp(name);
  });
  TakeUpChangedFiles(changed);
}

void ModelRepository::TakeUpChangedFiles(const std::set<std::string>& names) {
  for (const std::string& name : names) {
    if (watch_.HasChanged(name) || loads_->UnderWay(name)) continue;
    {
      MutexLock lock(&changed_files_mutex_);
      for (auto& [version, files] : changed_files_) {
        if (version.first == name && !files.state.empty()) files.taken_up = files.state;
      }
    }
    TakeUp(name);
  }
}

void ModelRepository::TakeUp(const std::string& name) {
  ModelTable::Reading reading{.number = table_.BeginReading()};
  absl::StatusOr<ModelVersions> read = source_.Read(name);
  if (absl::IsNotFound(read.status())) {
    const absl::Status why =
        absl::UnavailableError(fmt::format("model '{}' has gone from the repository", name));
    (void)loads_->Cancel(name, why);
    ModelTable::Models models = table_.Remove(name);
    for (const auto& model : models) model->CancelLoad(why);
    Drain(std::move(models));
    {
      MutexLock lock(&changed_files_mutex_);
      std::erase_if(changed_files_, [&](const auto& item) { return item.first.first == name; });
    }
    context_.on_change(name);
    log.Info(poll_limit, "a model's folder has gone", {{"model", name}});
    return;
  }
  const std::vector<std::shared_ptr<ServedModel>> present = Versions(name);
  const bool loads = std::any_of(present.begin(), present.end(), [](const auto& model) {
    const ModelState state = model->status().state;
    return state == ModelState::kReady || state == ModelState::kLoading;
  });
  if (loads || loads_->UnderWay(name)) {
    log.Info(poll_limit, "a model's folder has changed: it is loaded anew", {{"model", name}});
    loads_->Reload(name);
    return;
  }
  reading.readable = read.ok();
  if (read.ok()) {
    for (const ModelDescription& version : read->older) reading.older.insert(version.version);
  }
  const std::string outcome = read.ok() ? "ok" : std::string(read.status().message());
  reading.fresh = source_.Make(name, std::move(read));
  for (const auto& [version, model] : reading.fresh) {
    if (model->can_be_asked()) reading.usable.insert(version);
  }
  log.Info(poll_limit, "a model's folder has changed", {{"model", name}, {"outcome", outcome}});
  TakeOver(name, reading);
}

Task ModelRepository::DrainTask(ModelTable::Models models, std::function<void()> done) {
  const absl::Duration end = context_.clock->Monotonic() + options_.drain_timeout;
  return [this, models = std::move(models), done = std::move(done), end] {
    for (const std::shared_ptr<ServedModel>& model : models) {
      model->Stop(std::max(absl::ZeroDuration(), end - context_.clock->Monotonic()));
    }
    if (done != nullptr) done();
  };
}

void ModelRepository::Drain(ModelTable::Models models) {
  if (models.empty()) return;
  Task drain = DrainTask(std::move(models), nullptr);
  if (!drainer_->TrySubmit(drain)) std::move(drain)();
}

void ModelRepository::FailWaiting(const absl::Status& status) {
  loads_->CancelAll(status);
  for (const std::shared_ptr<ServedModel>& model : All()) {
    model->CancelLoad(status);
    model->FailWaiting(status);
  }
}

void ModelRepository::Stop(absl::Duration grace) {
  if (loads_ == nullptr) return;
  const absl::Duration end = context_.clock->Monotonic() + grace;
  const absl::Status why = absl::UnavailableError("the server stopped before the model had loaded");
  loads_->CancelAll(why);
  // Models that requests wait for finish loading, so that those requests are answered.
  for (const std::shared_ptr<ServedModel>& model : All()) {
    if (model->Activity().depth == 0) model->CancelLoad(why);
  }
  (void)loads_->WaitUntilIdle(*context_.clock, end);
  for (const std::shared_ptr<ServedModel>& model : All()) model->CancelLoad(why);
  loads_->Stop();
  for (const std::shared_ptr<ServedModel>& model : All()) {
    model->Stop(std::max(absl::ZeroDuration(), end - context_.clock->Monotonic()));
  }
  drainer_->Stop();
}

}  // namespace souvenir::compute
