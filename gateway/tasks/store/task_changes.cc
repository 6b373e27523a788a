#include "gateway/tasks/store/task_changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/status_macros.h"
#include "gateway/tasks/store/task_keys.h"

namespace souvenir::gateway {
namespace {

using state::v1::TaskJob;
using state::v1::TaskStep;

absl::Status NoJob() { return absl::NotFoundError("there is no such job"); }

// Returns the error of a record that was not found.
absl::Status Missing(const TaskBatch& batch) {
  return batch.status().ok() ? NoJob() : batch.status();
}

state::v1::TaskSweep SweepOf(Sweep phase, const TaskJob& job) {
  state::v1::TaskSweep sweep;
  sweep.set_phase(static_cast<uint32_t>(phase));
  sweep.set_generation(job.generation());
  return sweep;
}

}  // namespace

absl::StatusOr<TaskQueue*> TaskChanges::FindOrAdd(TaskBatch& batch, const std::string& name) {
  TaskQueue* queue = queues_->Find(name);
  if (queue != nullptr) return queue;
  queue = queues_->Add(name);
  if (queue == nullptr) {
    return absl::ResourceExhaustedError(
        fmt::format("queue '{}' would be one more than {}, the limit of the task store", name,
                    queues_->most()));
  }
  state::v1::TaskQueue record;
  record.set_number(queue->number);
  batch.Put(TaskKey::Queue(name), record.SerializeAsString());
  return queue;
}

JobNumber TaskChanges::HolderOf(TaskBatch& batch, const std::string& key) const {
  const std::optional<std::string> holder = batch.Get(key);
  const JobNumber job = holder ? TaskKey::Reader(*holder).Last64() : 0;
  return job != 0 && batch.PeekJob(job) != nullptr ? job : 0;
}

absl::Status TaskChanges::CheckUnique(TaskBatch& batch, const TaskJob& job) {
  if (job.uniqueness_key().empty()) return absl::OkStatus();
  const JobNumber holder =
      HolderOf(batch, TaskKey::Uniqueness(TaskKey::HashOf(job.tenant(), job.uniqueness_key())));
  // The end of a job whose record was lost could not give its key back.
  if (holder == 0 || batch.PeekJob(holder)->ended_us() != 0) return absl::OkStatus();
  return absl::AlreadyExistsError("a job with the same uniqueness key has not ended");
}

absl::StatusOr<TaskStore::Begun> TaskChanges::Begin(TaskBatch& batch, const JobOptions& options,
                                                    absl::Time now) {
  TaskJob job;
  job.set_name(options.name);
  job.set_tenant(options.tenant);
  job.set_idempotency_key(options.idempotency_key);
  job.set_uniqueness_key(options.uniqueness_key);
  job.set_run_all(options.run_all);
  job.set_result_ttl_us(absl::ToInt64Microseconds(options.result_ttl));
  job.set_created_us(ToMicros(now));
  job.set_next_event(1);
  if (!options.idempotency_key.empty()) {
    const JobNumber before = HolderOf(
        batch, TaskKey::Idempotency(TaskKey::HashOf(options.tenant, options.idempotency_key)));
    if (before != 0) return TaskStore::Begun{.job = before, .already_submitted = true};
  }
  SOUVENIR_RETURN_IF_ERROR(CheckUnique(batch, job));
  SOUVENIR_RETURN_IF_ERROR(batch.status());
  const JobNumber number = next_job_++;
  state::v1::TaskMeta meta = batch.database().meta();
  meta.set_next_job(next_job_);
  batch.Put(TaskKey::Meta(), meta.SerializeAsString());
  batch.Put(TaskKey::Unsealed(number), "");
  *batch.NewJob(number) = std::move(job);
  submitted_[number] = 0;
  return TaskStore::Begun{.job = number};
}

absl::Status TaskChanges::Append(TaskBatch& batch, JobNumber job, const std::vector<NewStep>& steps,
                                 const std::vector<Blob>& blobs, uint64_t stored_bytes) {
  const auto submitted = submitted_.find(job);
  if (submitted == submitted_.end()) return NoJob();
  if (figures_->steps.load(std::memory_order_relaxed) + steps.size() > options_.max_steps) {
    return absl::ResourceExhaustedError(fmt::format(
        "the task store has {} steps, {} more came, and the limit is {}; try again when jobs have "
        "expired",
        figures_->steps.load(std::memory_order_relaxed), steps.size(), options_.max_steps));
  }
  if (stored_bytes >= options_.max_bytes) {
    return absl::ResourceExhaustedError(
        fmt::format("the task store has {} bytes, and the limit is {}; try again when jobs have "
                    "expired",
                    stored_bytes, options_.max_bytes));
  }
  std::vector<TaskQueue*> queues;
  for (const NewStep& step : steps) {
    if (!queues.empty() && queues.back()->name == step.queue) {
      queues.push_back(queues.back());
      continue;
    }
    SOUVENIR_ASSIGN_OR_RETURN(TaskQueue * queue, FindOrAdd(batch, step.queue));
    queues.push_back(queue);
  }
  for (size_t i = 0; i < steps.size(); ++i) {
    const NewStep& step = steps[i];
    const StepRef ref{job, submitted->second++};
    TaskStep* const record = batch.NewStep(ref);
    record->set_state(static_cast<uint32_t>(StepState::kPending));
    record->set_queue(queues[i]->number);
    record->set_priority(step.priority);
    record->set_needs(step.needs);
    record->set_pending(step.needs);
    if (step.not_before != absl::InfinitePast()) record->set_start_us(ToMicros(step.not_before));
    record->set_countdown_us(absl::ToInt64Microseconds(step.countdown));
    batch.Add(TaskKey::Spec(ref), step.spec);
    batch.Add(TaskKey::Name(ref), step.id);
    std::string number;
    TaskKey::Append32(ref.step, &number);
    batch.Add(TaskKey::Id(job, step.id), number);
  }
  for (const Blob& blob : blobs) batch.AddBlob(TaskKey::Blob(job, blob.digest), blob.bytes);
  figures_->steps.fetch_add(steps.size(), std::memory_order_relaxed);
  return absl::OkStatus();
}

absl::Status TaskChanges::Link(TaskBatch& batch, JobNumber job, const JobGraph& graph,
                               uint32_t first, uint32_t last) {
  if (!submitted_.contains(job)) return NoJob();
  for (uint32_t step = first; step < last; ++step) {
    if (graph.needs(step).empty() && graph.feeds(step).empty()) continue;
    state::v1::TaskLinks links;
    links.mutable_needs()->Add(graph.needs(step).begin(), graph.needs(step).end());
    links.mutable_feeds()->Add(graph.feeds(step).begin(), graph.feeds(step).end());
    batch.Add(TaskKey::Links({job, step}), links.SerializeAsString());
  }
  return absl::OkStatus();
}

absl::StatusOr<TaskStore::Sealed> TaskChanges::Seal(TaskBatch& batch, JobNumber number,
                                                    const JobGraph& graph,
                                                    const TaskStore::SpecialSteps& special,
                                                    absl::Time now) {
  TaskStore::Sealed sealed{.begun = {.job = number}};
  const auto submitted = submitted_.find(number);
  TaskJob* const job = submitted == submitted_.end() ? nullptr : batch.Job(number);
  if (job == nullptr) return Missing(batch);
  if (job->sealed()) return absl::DataLossError("the record of the job cannot be read");
  const std::string idempotency =
      TaskKey::Idempotency(TaskKey::HashOf(job->tenant(), job->idempotency_key()));
  if (!job->idempotency_key().empty()) {
    const JobNumber before = HolderOf(batch, idempotency);
    if (before != 0) {
      Abandon(batch, number);
      sealed.begun = {.job = before, .already_submitted = true};
      return sealed;
    }
  }
  SOUVENIR_RETURN_IF_ERROR(CheckUnique(batch, *job));
  SOUVENIR_RETURN_IF_ERROR(batch.status());
  if (!job->idempotency_key().empty()) batch.Put(idempotency, TaskKey::JobValue(number));
  if (!job->uniqueness_key().empty()) {
    batch.Put(TaskKey::Uniqueness(TaskKey::HashOf(job->tenant(), job->uniqueness_key())),
              TaskKey::JobValue(number));
  }
  if (special.failure_step) job->set_failure_step(*special.failure_step + 1);
  if (special.result_step) job->set_result_step(*special.result_step + 1);
  job->set_total(graph.size());
  job->set_sealed(true);
  job->set_accepted_us(ToMicros(now));
  batch.Delete(TaskKey::Unsealed(number));
  transitions_->BeginSweep(batch, number, SweepOf(Sweep::kStart, *job));
  submitted_.erase(submitted);
  figures_->jobs.fetch_add(1, std::memory_order_relaxed);
  sealed.moves.more = true;
  return sealed;
}

void TaskChanges::Abandon(TaskBatch& batch, JobNumber job) {
  const auto submitted = submitted_.find(job);
  if (submitted == submitted_.end()) return;
  figures_->steps.fetch_sub(submitted->second, std::memory_order_relaxed);
  submitted_.erase(submitted);
  batch.Delete(TaskKey::Unsealed(job));
  batch.Forget(job);
  has_garbage_ = true;
}

void TaskChanges::Drop(TaskBatch& batch, JobNumber number) {
  const TaskJob* const job = batch.PeekJob(number);
  if (job == nullptr) return;
  figures_->jobs.fetch_sub(1, std::memory_order_relaxed);
  figures_->steps.fetch_sub(job->total(), std::memory_order_relaxed);
  figures_->dead_letters.fetch_sub(job->failed(), std::memory_order_relaxed);
  if (!job->idempotency_key().empty()) {
    batch.Delete(TaskKey::Idempotency(TaskKey::HashOf(job->tenant(), job->idempotency_key())));
  }
  const std::string dead_letters = TaskKey::DeadLetter({number, 0});
  batch.DeleteRange(dead_letters, TaskKey::DeadLetter({number + 1, 0}));
  batch.Forget(number);
  has_garbage_ = true;
}

absl::StatusOr<Moves> TaskChanges::Cancel(TaskBatch& batch, JobNumber number, absl::Time now) {
  Moves moves;
  const TaskJob* const found = batch.PeekJob(number);
  if (found == nullptr || !found->sealed()) return Missing(batch);
  if (found->ended_us() != 0 || found->cancelled()) return moves;
  TaskJob* const job = batch.Job(number);
  job->set_ending(true);
  job->set_cancelled(true);
  if (job->code() == 0) {
    job->set_code(static_cast<int32_t>(absl::StatusCode::kCancelled));
    job->set_message("the job was cancelled");
  }
  // It replaces any other sweep: once all steps have ended, nothing is left for that to do.
  transitions_->BeginSweep(batch, number, SweepOf(Sweep::kEnd, *job));
  StepTransitions::Note(number, &moves.stopped);
  moves.more = true;
  return moves;
}

absl::StatusOr<Moves> TaskChanges::Requeue(TaskBatch& batch, JobNumber number,
                                           const std::vector<uint32_t>& steps,
                                           const std::string& override, absl::Time now) {
  Moves moves;
  const TaskJob* const found = batch.PeekJob(number);
  if (found == nullptr || !found->sealed()) return Missing(batch);
  if (found->ended_us() == 0) {
    return absl::FailedPreconditionError(
        "the job has not ended; steps can be run again when it has, or was cancelled");
  }
  if (found->failed() == 0 && found->cancelled_steps() == 0) {
    return absl::FailedPreconditionError("every step of the job has succeeded");
  }
  SOUVENIR_RETURN_IF_ERROR(CheckUnique(batch, *found));
  for (const uint32_t step : steps) {
    const TaskStep* const dead = batch.PeekStep({number, step});
    if (dead == nullptr) return Missing(batch);
    if (dead->state() == static_cast<uint32_t>(StepState::kFailed)) continue;
    return absl::FailedPreconditionError(
        fmt::format("steps[{}] is no dead letter: it has not failed", step));
  }
  SOUVENIR_RETURN_IF_ERROR(batch.status());
  TaskJob* const job = batch.Job(number);
  batch.Delete(TaskKey::Expiry(job->ended_us() + job->result_ttl_us(), number));
  job->set_ended_us(0);
  job->set_ending(false);
  job->set_cancelled(false);
  job->set_failure_step_begun(false);
  job->set_generation(job->generation() + 1);
  job->set_code(0);
  job->clear_message();
  if (!job->uniqueness_key().empty()) {
    batch.Put(TaskKey::Uniqueness(TaskKey::HashOf(job->tenant(), job->uniqueness_key())),
              TaskKey::JobValue(number));
  }
  state::v1::TaskSweep sweep = SweepOf(Sweep::kReset, *job);
  sweep.mutable_selected()->Add(steps.begin(), steps.end());
  std::sort(sweep.mutable_selected()->begin(), sweep.mutable_selected()->end());
  transitions_->BeginSweep(batch, number, sweep);
  if (!override.empty()) {
    for (const uint32_t step : steps) batch.Add(TaskKey::Override({number, step}), override);
  }
  moves.more = true;
  return moves;
}

absl::StatusOr<QueueInfo> TaskChanges::ChangeQueue(TaskBatch& batch, const std::string& name,
                                                   const TaskStore::QueueChange& change,
                                                   bool create) {
  TaskQueue* queue = queues_->Find(name);
  if (queue == nullptr && !create) {
    return absl::NotFoundError(fmt::format("there is no queue '{}'", name));
  }
  if (queue == nullptr) {
    SOUVENIR_ASSIGN_OR_RETURN(queue, FindOrAdd(batch, name));
  }
  if (change.paused) queue->paused.store(*change.paused, std::memory_order_relaxed);
  if (change.max_running) queue->max_running.store(*change.max_running, std::memory_order_relaxed);
  state::v1::TaskQueue record;
  record.set_number(queue->number);
  record.set_paused(queue->paused.load(std::memory_order_relaxed));
  record.set_max_running(queue->max_running.load(std::memory_order_relaxed));
  batch.Put(TaskKey::Queue(name), record.SerializeAsString());
  return queue->Info();
}

}  // namespace souvenir::gateway
