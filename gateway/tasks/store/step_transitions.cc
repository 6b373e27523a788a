#include "gateway/tasks/store/step_transitions.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/logging/logging.h"
#include "gateway/tasks/store/task_keys.h"

namespace souvenir::gateway {
namespace {

using state::v1::TaskJob;
using state::v1::TaskLinks;
using state::v1::TaskNews;
using state::v1::TaskStep;
using state::v1::TaskSweep;

constinit Logger log{"tasks"};
LogLimit damage_limit{1};

StepState StateOf(const TaskStep& step) { return static_cast<StepState>(step.state()); }
void Set(StepState state, TaskStep* step) { step->set_state(static_cast<uint32_t>(state)); }

bool IsFailureStep(const TaskJob& job, StepRef ref) { return job.failure_step() == ref.step + 1; }

uint64_t EndedSteps(const TaskJob& job) {
  return job.succeeded() + job.failed() + job.skipped() + job.cancelled_steps();
}

}  // namespace

void StepTransitions::Note(JobNumber job, std::vector<JobNumber>* list) {
  if (!list->empty() && list->back() == job) return;
  if (std::find(list->begin(), list->end(), job) == list->end()) list->push_back(job);
}

void StepTransitions::Note(const std::string& queue, std::vector<std::string>* list) {
  if (!list->empty() && list->back() == queue) return;
  if (std::find(list->begin(), list->end(), queue) == list->end()) list->push_back(queue);
}

void StepTransitions::Add(const Moves& moves, Moves* sum) {
  for (const std::string& queue : moves.ready_queues) Note(queue, &sum->ready_queues);
  for (const JobNumber job : moves.events) Note(job, &sum->events);
  for (const JobNumber job : moves.stopped) Note(job, &sum->stopped);
  sum->more = sum->more || moves.more;
  sum->next_due = std::min(sum->next_due, moves.next_due);
}

StepState StepTransitions::EndOf(const TaskJob& job) {
  return job.cancelled() ? StepState::kCancelled : StepState::kSkipped;
}

void StepTransitions::Begin(TaskBatch& batch, StepRef ref, absl::Time now, Moves* moves) {
  const TaskJob* const job = batch.PeekJob(ref.job);
  const TaskStep* const step = batch.PeekStep(ref);
  if (job == nullptr || step == nullptr) return;
  if (job->ending() && !IsFailureStep(*job, ref)) return End(batch, ref, EndOf(*job), now, moves);
  int64_t start = step->start_us();
  if (step->countdown_us() > 0) start = job->accepted_us() + step->countdown_us();
  if (start > ToMicros(now)) return Schedule(batch, ref, FromMicros(start), moves);
  MakeReady(batch, ref, moves);
}

void StepTransitions::MakeReady(TaskBatch& batch, StepRef ref, Moves* moves) {
  TaskStep* const step = batch.Step(ref);
  if (step == nullptr) return;
  TaskQueue* const queue = QueueOf(*step);
  Set(StepState::kReady, step);
  step->set_due_us(0);
  step->set_ready_sequence(next_ready_++);
  batch.Add(TaskKey::Ready(step->queue(), step->priority(), step->ready_sequence()),
            TaskKey::ReadyValue(ref));
  ++queue->level(step->priority()).ready;
  queue->ready.fetch_add(1, std::memory_order_relaxed);
  Note(queue->name, &moves->ready_queues);
}

void StepTransitions::RemoveReady(TaskBatch& batch, const TaskStep& step) {
  batch.Delete(TaskKey::Ready(step.queue(), step.priority(), step.ready_sequence()));
  TaskQueue* const queue = QueueOf(step);
  --queue->level(step.priority()).ready;
  queue->ready.fetch_sub(1, std::memory_order_relaxed);
}

void StepTransitions::MoveToEnd(TaskBatch& batch, StepRef ref, Moves* moves) {
  const TaskStep* const step = batch.PeekStep(ref);
  if (step == nullptr) return;
  RemoveReady(batch, *step);
  MakeReady(batch, ref, moves);
}

void StepTransitions::Schedule(TaskBatch& batch, StepRef ref, absl::Time due, Moves* moves) {
  TaskStep* const step = batch.Step(ref);
  if (step == nullptr) return;
  Set(StepState::kScheduled, step);
  step->set_due_us(ToMicros(due));
  const std::string key = TaskKey::Timer(step->due_us(), ref);
  batch.Put(key, "");
  timers_.Added(key);
  figures_->scheduled.fetch_add(1, std::memory_order_relaxed);
  moves->next_due = std::min(moves->next_due, due);
}

void StepTransitions::Run(TaskBatch& batch, StepRef ref) {
  TaskStep* const step = batch.Step(ref);
  if (step == nullptr) return;
  RemoveReady(batch, *step);
  Set(StepState::kRunning, step);
  step->set_attempts(step->attempts() + 1);
  batch.Put(TaskKey::Running(ref), "");
  QueueOf(*step)->running.fetch_add(1, std::memory_order_relaxed);
}

void StepTransitions::EndWaiting(TaskBatch& batch, StepRef ref, absl::Time now, Moves* moves) {
  const TaskJob* const job = batch.PeekJob(ref.job);
  const TaskStep* const step = batch.PeekStep(ref);
  if (job == nullptr || step == nullptr) return;
  if (StateOf(*step) == StepState::kReady) RemoveReady(batch, *step);
  if (StateOf(*step) == StepState::kScheduled) {
    batch.Delete(TaskKey::Timer(step->due_us(), ref));
    figures_->scheduled.fetch_sub(1, std::memory_order_relaxed);
  }
  End(batch, ref, EndOf(*job), now, moves);
}

void StepTransitions::End(TaskBatch& batch, StepRef ref, StepState state, absl::Time now,
                          Moves* moves) {
  TaskJob* const job = batch.Job(ref.job);
  TaskStep* const step = batch.Step(ref);
  if (job == nullptr || step == nullptr) return;
  Set(state, step);
  step->set_ended_us(ToMicros(now));
  step->set_due_us(0);
  switch (state) {
    case StepState::kSucceeded:
      job->set_succeeded(job->succeeded() + 1);
      break;
    case StepState::kFailed:
      job->set_failed(job->failed() + 1);
      batch.Put(TaskKey::DeadLetter(ref), "");
      figures_->dead_letters.fetch_add(1, std::memory_order_relaxed);
      if (job->code() == 0) {
        job->set_code(step->code());
        job->set_message(step->message());
      }
      break;
    case StepState::kSkipped:
      job->set_skipped(job->skipped() + 1);
      break;
    case StepState::kCancelled:
      job->set_cancelled_steps(job->cancelled_steps() + 1);
      break;
    case StepState::kPending:
    case StepState::kScheduled:
    case StepState::kReady:
    case StepState::kRunning:
      break;  // no ends
  }
  const bool has_status = state == StepState::kFailed;
  state::v1::TaskEvent event;
  event.set_step(ref.step);
  event.set_state(step->state());
  event.set_attempts(step->attempts());
  if (has_status) {
    event.set_code(step->code());
    event.set_message(step->message());
  }
  event.set_result_bytes(step->result_bytes());
  event.set_rows(step->rows());
  event.set_remembered_rows(step->remembered_rows());
  AddEvent(batch, ref.job, std::move(event), now, moves);
  Tell(ref, state == StepState::kSucceeded, job->generation());
  if (state == StepState::kFailed && !job->run_all() && !job->ending()) {
    job->set_ending(true);
    TaskSweep sweep;
    sweep.set_phase(static_cast<uint32_t>(Sweep::kEnd));
    sweep.set_generation(job->generation());
    BeginSweep(batch, ref.job, sweep);
    Note(ref.job, &moves->stopped);
    moves->more = true;
  }
  CheckJob(batch, ref.job, now, moves);
}

void StepTransitions::Tell(StepRef ref, bool succeeded, uint32_t generation) {
  news_.push_back({.ref = ref, .succeeded = succeeded, .generation = generation});
}

void StepTransitions::TakeUp(TaskBatch& batch, Moves* moves) {
  if (!std::exchange(news_left_, false)) return;
  const std::string until = TaskKey::After("p");
  TaskDatabase::Scan scan(batch.database(), "p", until);
  for (size_t taken = 0; scan.Next(); ++taken) {
    if (taken == piece_) {
      news_left_ = true;
      break;
    }
    TaskNews left;
    const StepRef ref = TaskKey::Reader(scan.key()).LastStep();
    if (!left.ParseFromArray(scan.value().data(), static_cast<int>(scan.value().size()))) {
      EndLost(batch, ref.job, "which steps need an ended one cannot be read", moves);
      batch.Delete(TaskKey::News(ref));
      continue;
    }
    news_.push_back({.ref = ref,
                     .succeeded = left.succeeded(),
                     .generation = left.generation(),
                     .next = left.next()});
    batch.Delete(TaskKey::News(ref));
  }
  if (!scan.status().ok()) batch.Fail(scan.status());
}

void StepTransitions::Spread(TaskBatch& batch, absl::Time now, Moves* moves) {
  size_t budget = piece_;
  while (!news_.empty()) {
    // A copy: the steps that end because of it add news.
    News news = std::move(news_.front());
    news_.pop_front();
    if (budget > 0 && TellFrom(batch, &news, &budget, now, moves)) continue;
    TaskNews left;
    left.set_next(news.next);
    left.set_succeeded(news.succeeded);
    left.set_generation(news.generation);
    batch.Put(TaskKey::News(news.ref), left.SerializeAsString());
    news_left_ = true;
  }
  if (news_left_) moves->more = true;
}

bool StepTransitions::TellFrom(TaskBatch& batch, News* news, size_t* budget, absl::Time now,
                               Moves* moves) {
  const TaskJob* const job = batch.PeekJob(news->ref.job);
  // A job that was run again since tells everything anew.
  if (job == nullptr || job->generation() != news->generation) return true;
  --*budget;
  const std::optional<std::string> bytes = batch.Get(TaskKey::Links(news->ref));
  if (!bytes) return true;
  TaskLinks links;
  if (!links.ParseFromString(*bytes)) {
    EndLost(batch, news->ref.job, "the edges of the job cannot be read", moves);
    return true;
  }
  while (news->next < static_cast<uint32_t>(links.feeds_size())) {
    if (*budget == 0) return false;
    --*budget;
    const StepRef fed{news->ref.job, links.feeds(static_cast<int>(news->next++))};
    TaskStep* const step = batch.Step(fed);
    if (step == nullptr || StateOf(*step) != StepState::kPending) continue;
    step->set_pending(step->pending() - 1);
    if (!news->succeeded) step->set_failed_needs(step->failed_needs() + 1);
    if (step->pending() > 0) continue;
    if (step->failed_needs() == 0) {
      Begin(batch, fed, now, moves);
    } else {
      End(batch, fed, EndOf(*job), now, moves);
    }
  }
  return true;
}

void StepTransitions::EndLost(TaskBatch& batch, JobNumber number, const std::string& message,
                              Moves* moves) {
  TaskJob* const job = batch.Job(number);
  if (job == nullptr || job->ended_us() != 0) return;
  log.Error(damage_limit, "a job ends, because a record of it cannot be read",
            {{"job", number}, {"reason", message}});
  job->set_ending(true);
  job->set_cancelled(true);
  job->set_code(static_cast<int32_t>(absl::StatusCode::kDataLoss));
  job->set_message(message);
  TaskSweep sweep;
  sweep.set_phase(static_cast<uint32_t>(Sweep::kEnd));
  sweep.set_generation(job->generation());
  BeginSweep(batch, number, sweep);
  Note(number, &moves->stopped);
  moves->more = true;
}

void StepTransitions::BeginSweep(TaskBatch& batch, JobNumber number, const TaskSweep& sweep) {
  batch.Put(TaskKey::Sweeping(number), sweep.SerializeAsString());
  sweeping_.insert(number);
}

bool StepTransitions::EndDamaged(TaskBatch& batch, absl::Time now, Moves* moves) {
  bool found = false;
  // The end of a step may read others.
  for (;;) {
    const std::vector<JobNumber> jobs = batch.TakeDamagedJobs();
    const std::vector<StepRef> steps = batch.TakeDamagedSteps();
    if (jobs.empty() && steps.empty()) return found;
    found = true;
    for (const JobNumber number : jobs) {
      // Without its seal it will be abandoned.
      if (batch.Get(TaskKey::Unsealed(number))) continue;
      const TaskJob* const job = batch.PeekJob(number);
      if (job != nullptr) EndLost(batch, number, job->message(), moves);
    }
    for (const StepRef ref : steps) {
      TaskStep* const step = batch.Step(ref);
      if (step == nullptr || HasEnded(StateOf(*step))) continue;
      log.Error(damage_limit, "a step is a dead letter, because its record cannot be read",
                {{"job", ref.job}, {"step", ref.step}});
      batch.Delete(TaskKey::Running(ref));
      step->set_code(static_cast<int32_t>(absl::StatusCode::kDataLoss));
      step->set_message("the record of the step cannot be read");
      step->set_reason(static_cast<uint32_t>(DeadLetterReason::kPermanent));
      End(batch, ref, StepState::kFailed, now, moves);
    }
    Spread(batch, now, moves);
  }
}

void StepTransitions::CheckJob(TaskBatch& batch, JobNumber number, absl::Time now, Moves* moves) {
  TaskJob* const job = batch.Job(number);
  if (job == nullptr || !job->sealed() || job->ended_us() != 0) return;
  if (EndedSteps(*job) == job->total()) return EndJob(batch, number, now, moves);
  if (job->failure_step() == 0 || job->failure_step_begun()) return;
  if (EndedSteps(*job) + 1 < job->total()) return;
  // Only the failure step is left.
  const StepRef failure{number, job->failure_step() - 1};
  const TaskStep* const step = batch.PeekStep(failure);
  if (step == nullptr || StateOf(*step) != StepState::kPending) return;
  job->set_failure_step_begun(true);
  if (job->failed() + job->cancelled_steps() == 0) {
    return End(batch, failure, StepState::kSkipped, now, moves);
  }
  if (job->cancelled()) return End(batch, failure, StepState::kCancelled, now, moves);
  Begin(batch, failure, now, moves);
}

void StepTransitions::EndJob(TaskBatch& batch, JobNumber number, absl::Time now, Moves* moves) {
  TaskJob* const job = batch.Job(number);
  job->set_ended_us(ToMicros(now));
  batch.NeedSync();  // and so all that came before
  if (job->failed() + job->cancelled_steps() == 0) {
    // It was cancelled when its last steps were succeeding.
    job->set_code(0);
    job->clear_message();
  }
  batch.Delete(TaskKey::Sweeping(number));
  if (!job->uniqueness_key().empty()) {
    const Sha256Digest key = TaskKey::HashOf(job->tenant(), job->uniqueness_key());
    // Another job may have it, if this one was run again.
    if (batch.Get(TaskKey::Uniqueness(key)) == TaskKey::JobValue(number)) {
      batch.Delete(TaskKey::Uniqueness(key));
    }
  }
  const absl::Time expiry = now + absl::Microseconds(job->result_ttl_us());
  const std::string key = TaskKey::Expiry(job->ended_us() + job->result_ttl_us(), number);
  batch.Put(key, "");
  expiries_.Added(key);
  moves->next_due = std::min(moves->next_due, expiry);
  state::v1::TaskEvent event;
  event.set_job_ended(true);
  AddEvent(batch, number, std::move(event), now, moves);
}

void StepTransitions::AddEvent(TaskBatch& batch, JobNumber number, state::v1::TaskEvent event,
                               absl::Time now, Moves* moves) {
  TaskJob* const job = batch.Job(number);
  event.set_time_us(ToMicros(now));
  batch.Add(TaskKey::Event(number, job->next_event()), event.SerializeAsString());
  job->set_next_event(job->next_event() + 1);
  Note(number, &moves->events);
}

}  // namespace souvenir::gateway
