#include "compute-service/repository/served_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/logging/log_limit.h"
#include "common/logging/logging.h"
#include "common/souvenir_names.h"
#include "common/status_detail.h"
#include "common/status_macros.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"repository"};
// Limited, because folders that change and callers that keep the models busy may cause any number
// of these lines.
constinit LogLimit loaded_limit;
constinit LogLimit failed_limit;
constinit LogLimit fitted_limit;
constinit LogLimit hangs_limit;
constinit LogLimit back_limit;
constinit LogLimit released_limit;
constinit LogLimit files_limit;

// Time between two checks of files that have changed. They may be as they were again, where a file
// system was away for a while.
constexpr absl::Duration kFilesPause = absl::Seconds(10);

}  // namespace

absl::StatusOr<std::shared_ptr<ServedModel>> ServedModel::Create(ModelDescription description,
                                                                 std::string digest,
                                                                 Backend* backend,
                                                                 const ModelSettings& settings,
                                                                 const Context& context) {
  auto cancellation = std::make_unique<Cancellation>();
  SOUVENIR_ASSIGN_OR_RETURN(
      std::unique_ptr<Pool> pool,
      Pool::Create({.name = description.config.name(),
                    .instances = settings.fits_itself ? 1 : settings.instances,
                    .queue_limit = settings.max_queue_size,
                    .queue_bytes = context.queue_bytes,
                    .batching = settings.batching,
                    .row_limit = settings.run_limit,
                    .nice = settings.nice,
                    .cancellation = cancellation.get()},
                   context.clock, context.timers));
  description.nice = settings.nice;
  const auto files = std::make_shared<FilesNote>();
  description.check_files = FilesNote::Noting(std::move(description.check_files), files);
  return std::shared_ptr<ServedModel>(new ServedModel(
      std::move(description), std::move(digest), backend, settings, std::move(cancellation),
      std::move(pool), files, context, ModelState::kOnDemand, absl::OkStatus()));
}

std::shared_ptr<ServedModel> ServedModel::Broken(ModelDescription description,
                                                 const absl::Status& reason,
                                                 const Context& context) {
  absl::Status error =
      WithoutPaths(absl::UnavailableError(fmt::format("model '{}': {}", description.config.name(),
                                                      std::string(reason.message()))),
                   Detail::kKeep);
  return std::shared_ptr<ServedModel>(
      new ServedModel(std::move(description), "", nullptr, ModelSettings(), nullptr, nullptr,
                      nullptr, context, ModelState::kUnavailable, std::move(error)));
}

ServedModel::ServedModel(ModelDescription description, std::string digest, Backend* backend,
                         const ModelSettings& settings, std::unique_ptr<Cancellation> cancellation,
                         std::unique_ptr<Pool> pool, std::shared_ptr<const FilesNote> files,
                         const Context& context, ModelState state, absl::Status error)
    : description_(std::move(description)),
      version_(std::to_string(description_.version)),
      digest_(std::move(digest)),
      backend_(backend),
      settings_(settings),
      cancellation_(std::move(cancellation)),
      pool_(std::move(pool)),
      context_(context),
      files_(std::move(files)),
      sizer_({.most = settings.instances}),
      state_(state),
      error_(std::move(error)),
      pause_(context.first_pause) {}

absl::Status ServedModel::UnloadedError(std::string_view name) {
  return absl::UnavailableError(
      fmt::format("model '{0}' is unloaded; `souvenir models load {0}` loads it again", name));
}

absl::StatusOr<JobId> ServedModel::Submit(Job job) {
  absl::StatusOr<JobId> id;
  {
    MutexLock lock(&mutex_);
    const bool may_load =
        state_ == ModelState::kOnDemand ||
        (state_ == ModelState::kUnavailable && context_.clock->Monotonic() >= retry_at_);
    if (!may_load && state_ != ModelState::kLoading && state_ != ModelState::kReady) return error_;
    if (hangs_) return HangingError();
    // Queued before the state can change again, so that a load that fails finds the job in the
    // queue.
    id = pool_->Submit(std::move(job));
    if (!id.ok() || !may_load) return id;
    state_ = ModelState::kLoading;
  }
  LoadElsewhere();
  return id;
}

bool ServedModel::Cancel(JobId id, absl::StatusCode why) {
  return pool_ != nullptr && pool_->Cancel(id, why);
}

void ServedModel::FailWaiting(const absl::Status& status) {
  if (pool_ != nullptr) pool_->FailWaiting(status);
}

void ServedModel::LoadElsewhere() {
  Changed();
  Task load = [self = shared_from_this()] {
    {
      MutexLock lock(&self->mutex_);
      if (self->loading_) return;  // another thread loads it already
    }
    (void)self->Load();
  };
  if (!context_.loader->TrySubmit(load)) {
    (void)LoadFailed(absl::ResourceExhaustedError("too many models are being loaded"));
  }
}

absl::Status ServedModel::Load() {
  if (backend_ == nullptr) {
    MutexLock lock(&mutex_);
    return error_;
  }
  {
    MutexLock lock(&mutex_);
    const bool joins = loading_;
    while (loading_) load_ended_.Wait(&mutex_);
    if (state_ == ModelState::kReady) return absl::OkStatus();
    if (state_ == ModelState::kUnloading || cancellation_->cancelled()) return error_;
    if (joins && state_ == ModelState::kUnavailable) return error_;
    state_ = ModelState::kLoading;
    loading_ = true;
  }
  absl::Status status = LoadOnce();
  std::vector<std::function<void()>> told;
  {
    MutexLock lock(&mutex_);
    loading_ = false;
    load_ended_.NotifyAll();
    told.swap(when_load_ends_);
  }
  for (const auto& done : told) done();
  return status;
}

void ServedModel::WhenLoadEnds(std::function<void()> done) {
  {
    MutexLock lock(&mutex_);
    if (loading_) return when_load_ends_.push_back(std::move(done));
  }
  done();
}

absl::Status ServedModel::LoadUnlessFailed() {
  {
    MutexLock lock(&mutex_);
    if (state_ == ModelState::kUnavailable) return error_;
  }
  return Load();
}

absl::Status ServedModel::LoadOnce() {
  const absl::Duration begun = context_.clock->Monotonic();
  absl::StatusOr<LoadedModel> loaded =
      context_.model_loader->Load(*backend_, description_, settings_, cancellation_.get());
  if (!loaded.ok()) return LoadFailed(loaded.status());
  {
    MutexLock lock(&mutex_);
    if (state_ != ModelState::kLoading) return error_;  // stopped meanwhile
    context_.loads->succeeded.Add();                    // counted before the first answer
    pool_->Open(std::move(loaded->model));
    note_ = WithoutPaths(loaded->note);
    state_ = ModelState::kReady;
    error_ = absl::OkStatus();
    pause_ = context_.first_pause;
    files_error_ = absl::OkStatus();
    files_refused_ = false;
  }
  log.Info(loaded_limit, "model loaded",
           {{"model", name()},
            {"version", version_},
            {"milliseconds", absl::ToInt64Milliseconds(context_.clock->Monotonic() - begun)}});
  Changed();
  return absl::OkStatus();
}

absl::Status ServedModel::LoadFailed(const absl::Status& reason) {
  absl::Status error =
      WithoutPaths(absl::UnavailableError(fmt::format("model '{}' could not be loaded: {}", name(),
                                                      std::string(reason.message()))),
                   Detail::kKeep);
  {
    MutexLock lock(&mutex_);
    if (state_ != ModelState::kLoading) return error_;  // stopped meanwhile
    state_ = ModelState::kUnavailable;
    error_ = error;
    retry_at_ = context_.clock->Monotonic() + pause_;
    pause_ = std::min(2 * pause_, context_.longest_pause);
  }
  context_.loads->failed.Add();
  log.Warning(failed_limit, "model could not be loaded",
              {{"model", name()}, {"reason", std::string(reason.message())}});
  if (context_.on_load_failed) context_.on_load_failed(name());
  pool_->FailWaiting(error);
  Changed();
  return error;
}

void ServedModel::Refuse(const absl::Status& why) {
  state_ = ModelState::kUnloading;
  error_ = why;
  retry_at_ = absl::InfiniteDuration();
  // Set here, because a model whose load an unload has cancelled may never reach Stop().
  if (why == UnloadedError(name())) unloaded_ = true;
}

void ServedModel::CancelLoad(const absl::Status& why) {
  if (pool_ == nullptr) return;
  {
    MutexLock lock(&mutex_);
    if (state_ != ModelState::kLoading && state_ != ModelState::kOnDemand) return;
    Refuse(why);
  }
  cancellation_->Cancel();
  pool_->FailWaiting(why);
  Changed();
}

void ServedModel::Stop(absl::Duration grace) {
  {
    MutexLock lock(&mutex_);
    unloaded_ = true;
  }
  if (pool_ == nullptr) return Changed();
  bool loading = false;
  absl::Status error;
  {
    MutexLock lock(&mutex_);
    if (state_ != ModelState::kUnavailable || retry_at_ != absl::InfiniteDuration()) {
      loading = state_ == ModelState::kLoading;
      if (state_ != ModelState::kUnloading) Refuse(UnloadedError(name()));
      error = error_;
    }
  }
  if (loading) {
    cancellation_->Cancel();
    pool_->FailWaiting(error);
  }
  pool_->Stop(grace);
  {
    MutexLock lock(&mutex_);
    state_ = ModelState::kUnavailable;
  }
  Changed();
}

void ServedModel::Changed() const {
  if (context_.on_change) context_.on_change(name());
}

void ServedModel::Fit(const PoolActivity& activity, const ModelLoad& load) {
  if (pool_ == nullptr) return;
  if (settings_.fits_itself) {
    const int before = sizer_.instances();
    const int after = sizer_.Next({.now = context_.clock->Monotonic(),
                                   .rows = activity.rows,
                                   .waiting = activity.depth,
                                   .running = activity.running,
                                   .foreign_load = load.foreign_load,
                                   .processors = load.processors});
    if (after != before) {
      log.Info(fitted_limit, "instances are fitted", {{"model", name()}, {"instances", after}});
      pool_->Resize(after);
    }
  }
  const bool hanging_changed = TakeHanging(activity);
  const bool files_changed = TakeFilesChange(activity);
  if (hanging_changed || files_changed) Changed();
}

bool ServedModel::TakeHanging(const PoolActivity& activity) {
  MutexLock lock(&mutex_);
  const bool hangs = activity.instances_hanging >= activity.instances;
  if (hangs == hangs_) return false;
  hangs_ = hangs;
  if (hangs) {
    log.Error(hangs_limit, "model hangs: it is unhealthy until an instance comes back",
              {{"model", name()}, {"instances", activity.instances_hanging}});
  } else {
    log.Info(back_limit, "model is back", {{"model", name()}});
  }
  return true;
}

bool ServedModel::TakeFilesChange(const PoolActivity& activity) {
  absl::Status error = files_->last();
  const absl::Duration now = context_.clock->Monotonic();
  if (error.ok()) {
    check_files_at_ = absl::InfiniteDuration();
  } else if (check_files_at_ == absl::InfiniteDuration()) {
    check_files_at_ = now + kFilesPause;
  } else if (now >= check_files_at_) {
    check_files_at_ = now + kFilesPause;
    error = description_.CheckFiles();
  }
  const bool refused = !error.ok() && activity.files_refused;
  MutexLock lock(&mutex_);
  if (error == files_error_ && refused == files_refused_) return false;
  if (error.ok()) {
    log.Info(files_limit, "the files of a model are those of its digest again",
             {{"model", name()}, {"version", version_}});
  } else {
    log.Warning(
        files_limit,
        refused ? "a model cannot start a process, and has none that serves"
                : "a model cannot start a further process; those that it has serve",
        {{"model", name()}, {"version", version_}, {"reason", std::string(error.message())}});
  }
  files_error_ = std::move(error);
  files_refused_ = refused;
  return true;
}

absl::Status ServedModel::HangingError() const {
  return absl::UnavailableError(fmt::format(
      "model '{}' hangs: each instance has run for longer than the limit of {} for a row; with "
      "the parameter isolation = \"process\" such an instance is replaced",
      name(), absl::FormatDuration(settings_.run_limit)));
}

bool ServedModel::Release() {
  {
    MutexLock lock(&mutex_);
    if (state_ != ModelState::kReady) return false;
    const PoolActivity activity = pool_->Activity();
    if (activity.depth > 0 || activity.running > 0) return false;
    // A request that comes now loads the model again; Open() waits for Close().
    state_ = ModelState::kOnDemand;
  }
  pool_->Close();
  log.Info(released_limit,
           "model is unloaded until it is asked again, to stay within the memory budget",
           {{"model", name()}});
  Changed();
  return true;
}

uint64_t ServedModel::MeasureMemory() { return pool_ == nullptr ? 0 : pool_->MeasureMemory(); }

ServedModel::Status ServedModel::status() const {
  MutexLock lock(&mutex_);
  if (hangs_ && state_ == ModelState::kReady) {
    return {ModelState::kUnavailable, std::string(HangingError().message()), ""};
  }
  if (state_ == ModelState::kOnDemand) return {state_, "loads on demand", ""};
  if (state_ == ModelState::kReady && files_refused_) {
    return {ModelState::kUnavailable, std::string(files_error_.message()), "", true};
  }
  if (state_ == ModelState::kReady && !files_error_.ok()) {
    return {state_,
            fmt::format("{}{}serves with the processes that it has, and starts no other: {}", note_,
                        note_.empty() ? "" : "; ", std::string(files_error_.message())),
            "", true};
  }
  if (state_ == ModelState::kReady) return {state_, note_, ""};
  if (unloaded_) return {state_, kUnloadedReason, ""};
  return {state_, std::string(error_.message()), DetailOf(error_)};
}

std::optional<absl::Duration> ServedModel::hanging_row_limit() const {
  if (backend_ == nullptr || !backend_->limits_each_row()) return std::nullopt;
  return settings_.run_limit;
}

bool ServedModel::being_loaded() const {
  MutexLock lock(&mutex_);
  return loading_;
}

bool ServedModel::loaded() const {
  MutexLock lock(&mutex_);
  return state_ == ModelState::kLoading || state_ == ModelState::kReady;
}

bool ServedModel::can_be_asked() const {
  MutexLock lock(&mutex_);
  if (hangs_ || (files_refused_ && state_ == ModelState::kReady)) return false;
  return state_ == ModelState::kOnDemand || state_ == ModelState::kLoading ||
         state_ == ModelState::kReady;
}

PoolActivity ServedModel::Activity() const {
  return pool_ == nullptr ? PoolActivity() : pool_->Activity();
}

PoolStats ServedModel::Stats() const { return pool_ == nullptr ? PoolStats() : pool_->Stats(); }

}  // namespace souvenir::compute
