#include "compute-service/pool/pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/logging/logging.h"
#include "common/status_macros.h"
#include "common/thread.h"
#include "compute-service/pool/joined_jobs.h"

namespace souvenir::compute {
namespace {

constinit Logger log{"pool"};
constinit LogLimit batch_limit;
constinit LogLimit instance_limit;

// An isolated instance is killed at its limit, which takes a moment. A run counts as hanging only
// after that.
constexpr absl::Duration kHangingMargin = absl::Seconds(1);

}  // namespace

absl::StatusOr<std::unique_ptr<Pool>> Pool::Create(Options options, Clock* clock,
                                                   TimerQueue* timers) {
  if (options.instances < 1) {
    return absl::InvalidArgumentError(fmt::format("model '{}': {} instances; at least 1 is needed",
                                                  options.name, options.instances));
  }
  if (options.row_limit <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        fmt::format("model '{}': the limit of a row is {} ms; it must be above 0", options.name,
                    absl::ToInt64Milliseconds(options.row_limit)));
  }
  SOUVENIR_ASSIGN_OR_RETURN(std::shared_ptr<JobQueue> queue,
                            JobQueue::Create({.name = options.name,
                                              .limit = options.queue_limit,
                                              .bytes = options.queue_bytes,
                                              .batching = options.batching},
                                             clock, timers));
  return std::unique_ptr<Pool>(new Pool(std::move(options), clock, std::move(queue)));
}

Pool::Pool(Options options, Clock* clock, std::shared_ptr<JobQueue> queue)
    : options_(std::move(options)),
      clock_(clock),
      queue_(std::move(queue)),
      target_(static_cast<size_t>(options_.instances)) {}

Pool::~Pool() { Stop(absl::ZeroDuration()); }

void Pool::Open(std::unique_ptr<Model> model) {
  MutexLock life_lock(&life_mutex_);
  MutexLock lock(&mutex_);
  if (stopped_) return;
  model_ = std::move(model);
  wanted_ = target_;
  StartThreads();
}

void Pool::Resize(int instances) {
  MutexLock life_lock(&life_mutex_);
  MutexLock lock(&mutex_);
  target_ = static_cast<size_t>(std::max(instances, 1));
  if (stopped_ || model_ == nullptr) return;
  wanted_ = target_;
  StartThreads();
}

void Pool::Close() {
  MutexLock life_lock(&life_mutex_);
  {
    MutexLock lock(&mutex_);
    if (stopped_ || model_ == nullptr) return;
    wanted_ = 0;
    queue_->SetTakers(0);
    while (serving_ > 0) ended_.Wait(&mutex_);
  }
  Unload();
}

void Pool::StartThreads() {
  queue_->SetTakers(wanted_);
  while (runners_.size() < wanted_) {
    runners_.push_back(std::make_unique<Runner>(runners_.size(), options_.first_pause));
  }
  for (size_t i = 0; i < wanted_; ++i) {
    Runner* const runner = runners_[i].get();
    if (runner->serving) continue;
    if (runner->thread.joinable()) runner->thread.join();  // not serving: it takes no lock any more
    runner->serving = true;
    ++serving_;
    // The number comes first, because the kernel keeps only 15 characters of the name.
    runner->thread = StartThread(
        fmt::format("{}/{}", i, options_.name),
        [this, model = model_.get(), runner] { Serve(*model, *runner); }, options_.nice);
  }
}

void Pool::Serve(Model& model, Runner& runner) {
  for (;;) {
    std::optional<std::vector<JobQueue::Taken>> jobs =
        queue_->Take(runner.index, NextJobAt(runner));
    if (!jobs) break;
    if (!jobs->empty()) {
      RunJobs(model, runner, *std::move(jobs));
    } else if (Leaves(runner)) {
      return;
    }
  }
  MutexLock lock(&mutex_);
  runner.serving = false;
  --serving_;
  ended_.NotifyAll();
}

bool Pool::Leaves(Runner& runner) {
  std::unique_ptr<Instance> instance;
  bool had_failed;
  {
    MutexLock lock(&runner.mutex);
    instance.swap(runner.instance);
    had_failed = !std::exchange(runner.last_error, absl::OkStatus()).ok();
    runner.retry_at = absl::ZeroDuration();
    runner.pause = options_.first_pause;
  }
  const bool was_ready = instance != nullptr;
  instance = nullptr;  // outside every lock
  MutexLock lock(&mutex_);
  runner.refusal = Refusal::kNone;
  if (was_ready) --counted_.instances_ready;
  if (had_failed) --counted_.instances_failed;
  if (runner.index < wanted_) return false;  // it is wanted again
  runner.serving = false;
  --serving_;
  ended_.NotifyAll();
  return true;
}

absl::Duration Pool::NextJobAt(Runner& runner) {
  {
    MutexLock lock(&mutex_);
    if (counted_.instances_ready == 0) return absl::ZeroDuration();
  }
  MutexLock lock(&runner.mutex);
  return runner.retry_at;
}

void Pool::RunJobs(Model& model, Runner& runner, std::vector<JobQueue::Taken> jobs) {
  if (jobs.size() > 1 && RunTogether(model, runner, &jobs)) return;
  // Runs them one by one, so that a job whose rows the model cannot take does not fail the others.
  for (JobQueue::Taken& taken : jobs) RunAlone(model, runner, std::move(taken));
}

bool Pool::RunTogether(Model& model, Runner& runner, std::vector<JobQueue::Taken>* jobs) {
  const absl::Duration begun = clock_->Monotonic();
  std::vector<const Job*> joining;
  for (const JobQueue::Taken& taken : *jobs) joining.push_back(&taken.job);
  const JoinedJobs joined(std::move(joining));
  const absl::StatusOr<InferenceResult> result =
      RunOnce(model, runner, {joined.inputs(), joined.outputs(), joined.rows()});
  if (!result.ok()) return false;
  absl::StatusOr<std::vector<InferenceResult>> parts = joined.Split(*result);
  if (!parts.ok()) {
    log.Warning(batch_limit,
                "the answer to a batch cannot be split: its requests run again one by one",
                {{"model", options_.name}, {"reason", std::string(parts.status().message())}});
    return false;
  }
  for (size_t i = 0; i < jobs->size(); ++i) {
    Answer(std::move((*jobs)[i]), begun, std::move((*parts)[i]));
  }
  return true;
}

void Pool::RunAlone(Model& model, Runner& runner, JobQueue::Taken taken) {
  const absl::Duration begun = clock_->Monotonic();
  const Job& job = taken.job;
  absl::StatusOr<InferenceResult> result =
      begun < job.deadline
          ? RunOnce(model, runner, {job.inputs, job.outputs, job.rows})
          : absl::DeadlineExceededError(
                fmt::format("model '{}': the deadline passed while other requests of the batch ran",
                            options_.name));
  Answer(std::move(taken), begun, std::move(result));
}

absl::StatusOr<InferenceResult> Pool::RunOnce(Model& model, Runner& runner, const Run& run) {
  const absl::Duration begun = clock_->Monotonic();
  {
    MutexLock lock(&mutex_);
    ++active_.running;
    runner.run_began = begun;
    runner.run_limit = options_.row_limit * run.rows;
  }
  absl::StatusOr<InferenceResult> result;
  absl::Status made;
  {
    MutexLock lock(&runner.mutex);
    made = EnsureInstance(model, runner);
    result = made.ok() ? runner.instance->Run({.inputs = run.inputs,
                                               .outputs = run.outputs,
                                               .rows = run.rows,
                                               .row_limit = options_.row_limit})
                       : absl::StatusOr<InferenceResult>(made);
  }
  const absl::Duration took = clock_->Monotonic() - begun;
  run_seconds_.Record(took);
  MutexLock lock(&mutex_);
  --active_.running;
  runner.run_began = absl::InfiniteDuration();
  runner.refusal = !IsFilesChanged(result.status()) ? Refusal::kNone
                   : made.ok()                      ? Refusal::kNoProcess
                                                    : Refusal::kNoInstance;
  counted_.run.Add(took);
  active_.last_run = clock_->Now();
  if (result.ok()) {
    active_.rows += static_cast<uint64_t>(run.rows);
    counted_.run_by_rows[run.rows].Add(took);
  }
  return result;
}

absl::Status Pool::EnsureInstance(Model& model, Runner& runner) {
  if (runner.instance != nullptr) return absl::OkStatus();
  const absl::Duration now = clock_->Monotonic();
  if (now < runner.retry_at) return runner.last_error;

  absl::StatusOr<std::unique_ptr<Instance>> made = model.CreateInstance();
  const bool failed_before = !runner.last_error.ok();
  if (made.ok()) {
    runner.instance = *std::move(made);
    runner.last_error = absl::OkStatus();
    runner.retry_at = absl::ZeroDuration();
  } else {
    const std::string message = fmt::format("model '{}': an instance could not be made: {}",
                                            options_.name, std::string(made.status().message()));
    runner.last_error = IsFilesChanged(made.status()) ? FilesChangedError(message)
                                                      : absl::Status(made.status().code(), message);
    runner.retry_at = clock_->Monotonic() + runner.pause;
    runner.pause = std::min(2 * runner.pause, options_.longest_pause);
    log.Warning(instance_limit, "an instance could not be made",
                {{"model", options_.name},
                 {"error", std::string(made.status().message())},
                 {"next_attempt_ms", absl::ToInt64Milliseconds(runner.retry_at - now)}});
  }
  MutexLock lock(&mutex_);
  if (runner.last_error.ok()) ++counted_.instances_ready;
  if (runner.last_error.ok() && failed_before) --counted_.instances_failed;
  if (!runner.last_error.ok() && !failed_before) ++counted_.instances_failed;
  return runner.last_error;
}

void Pool::Answer(JobQueue::Taken taken, absl::Duration begun,
                  absl::StatusOr<InferenceResult> result) {
  queue_seconds_.Record(begun - taken.queued_at);
  if (result.ok()) result->queue_time = begun - taken.queued_at;
  {
    MutexLock lock(&mutex_);
    if (result.ok()) result->instances = static_cast<int64_t>(target_);
    counted_.queue.Add(begun - taken.queued_at);
    (result.ok() ? counted_.success : counted_.failure).Add(clock_->Monotonic() - taken.queued_at);
  }
  std::move(taken.job.done)(std::move(result));
}

void Pool::Stop(absl::Duration grace) {
  MutexLock stop_lock(&stop_mutex_);
  queue_->Close();
  {
    MutexLock lock(&mutex_);
    stopped_ = true;  // no thread is started from here on
    const absl::Duration end = clock_->Monotonic() + grace;
    while (serving_ > 0) {  // a thread ends when the closed queue is empty
      if (!ended_.WaitUntil(&mutex_, *clock_, end)) break;
    }
  }
  queue_->FailWaiting(absl::UnavailableError(
      fmt::format("model '{}' was stopped before the request ran", options_.name)));
  // The requests that an instance was being made for are answered; nobody waits for it any more.
  if (options_.cancellation != nullptr) options_.cancellation->Cancel();
  MutexLock life_lock(&life_mutex_);
  Unload();
}

void Pool::Unload() {
  std::unique_ptr<Model> model;
  std::vector<std::unique_ptr<Runner>> runners;
  {
    MutexLock lock(&mutex_);
    model.swap(model_);
    runners.swap(runners_);
    memory_bytes_ = 0;
    if (model != nullptr) lost_workers_ += model->lost_workers();
  }
  for (const std::unique_ptr<Runner>& runner : runners) {
    if (runner->thread.joinable()) runner->thread.join();
  }
  runners.clear();  // outside every lock, and before the model that owns what instances share
  model = nullptr;
  MutexLock lock(&mutex_);
  counted_.instances_ready = counted_.instances_failed = 0;
}

uint64_t Pool::MeasureMemory() {
  MutexLock life_lock(&life_mutex_);  // keeps the model alive
  Model* model = nullptr;
  {
    MutexLock lock(&mutex_);
    model = model_.get();
  }
  if (model == nullptr) return 0;
  const uint64_t bytes = model->MemoryBytes();
  MutexLock lock(&mutex_);
  memory_bytes_ = bytes;
  return bytes;
}

PoolActivity Pool::Activity() const {
  const size_t depth = queue_->counters().depth;
  MutexLock lock(&mutex_);
  return ActivityNow(depth);
}

PoolActivity Pool::ActivityNow(size_t depth) const {
  PoolActivity activity = active_;
  activity.depth = depth;
  activity.instances = target_;
  const absl::Duration now = clock_->Monotonic();
  size_t refused = 0;
  size_t without_process = 0;
  for (const std::unique_ptr<Runner>& runner : runners_) {
    if (runner->refusal != Refusal::kNone) ++refused;
    if (runner->refusal == Refusal::kNoProcess) ++without_process;
    if (runner->run_began != absl::InfiniteDuration() &&
        now - runner->run_began > runner->run_limit + kHangingMargin) {
      ++activity.instances_hanging;
    }
  }
  activity.files_refused = refused > 0 && counted_.instances_ready == without_process;
  return activity;
}

PoolStats Pool::Stats() const {
  const JobQueue::Counters queue = queue_->counters();
  PoolStats stats;
  stats.refused = queue.refused;
  stats.expired = queue.expired;
  stats.cancelled = queue.cancelled;
  stats.queue_seconds = queue_seconds_.Snapshot();
  stats.run_seconds = run_seconds_.Snapshot();
  MutexLock lock(&mutex_);
  static_cast<PoolActivity&>(stats) = ActivityNow(queue.depth);
  static_cast<RunStats&>(stats) = counted_;
  stats.lost_workers = lost_workers_ + (model_ != nullptr ? model_->lost_workers() : 0);
  stats.memory_bytes = memory_bytes_;
  return stats;
}

}  // namespace souvenir::compute
