// The functions of TaskChanges that begin and end attempts.

#include <algorithm>
#include <utility>

#include "common/status_macros.h"
#include "gateway/tasks/store/task_changes.h"
#include "gateway/tasks/store/task_keys.h"

namespace souvenir::gateway {

using state::v1::TaskJob;
using state::v1::TaskStep;

absl::StatusOr<std::vector<ClaimedStep>> TaskChanges::Claim(TaskBatch& batch,
                                                            const std::string& name, size_t most) {
  std::vector<ClaimedStep> claimed;
  TaskQueue* const queue = queues_->Find(name);
  if (queue == nullptr || queue->paused.load(std::memory_order_relaxed)) return claimed;
  const uint64_t limit = queue->max_running.load(std::memory_order_relaxed);
  const uint64_t running = queue->running.load(std::memory_order_relaxed);
  if (limit > 0) most = std::min<size_t>(most, running < limit ? limit - running : 0);
  for (int priority = kMostPriority; priority >= kLeastPriority && claimed.size() < most;
       --priority) {
    if (queue->level(priority).ready > 0) ClaimLevel(batch, queue, priority, most, &claimed);
  }
  SOUVENIR_RETURN_IF_ERROR(batch.status());
  return claimed;
}

void TaskChanges::ClaimLevel(TaskBatch& batch, TaskQueue* queue, int priority, size_t most,
                             std::vector<ClaimedStep>* claimed) {
  TaskQueue::Level& level = queue->level(priority);
  const std::string until = TaskKey::After(TaskKey::ReadyPrefix(queue->number, priority));
  TaskDatabase::Scan scan(batch.database(), TaskKey::Ready(queue->number, priority, level.first),
                          until);
  while (claimed->size() < most && scan.Next()) {
    const uint64_t sequence = TaskKey::Reader(scan.key()).Last64();
    const StepRef ref = TaskKey::Reader(scan.value()).LastStep();
    level.first = sequence + 1;
    const TaskStep* const step = batch.PeekStep(ref);
    const TaskJob* const job = batch.PeekJob(ref.job);
    if (step == nullptr || job == nullptr ||
        step->state() != static_cast<uint32_t>(StepState::kReady) ||
        step->ready_sequence() != sequence) {
      // A change of the same batch has taken the step; or its record was lost, and the key is left.
      const std::string key(scan.key());
      if (!batch.Get(key)) continue;
      batch.Delete(key);
      --level.ready;
      queue->ready.fetch_sub(1, std::memory_order_relaxed);
      continue;
    }
    // The sweep that ends the job finds it by its state.
    if (job->ending() && (job->failure_step() != ref.step + 1 || job->cancelled())) continue;
    if (IsSuspect(*step)) {
      if (suspect_) {
        suspects_.push_back(ref);
        continue;
      }
      suspect_ = ref;
    }
    transitions_->Run(batch, ref);
    running_[ref] = {.number = step->attempts(), .queue = queue};
    claimed->push_back({.ref = ref,
                        .attempt = step->attempts(),
                        .failures = step->failures(),
                        .unavailable = step->unavailable()});
  }
  if (!scan.status().ok()) batch.Fail(scan.status());
}

Moves TaskChanges::Commit(TaskBatch& batch, const std::vector<Outcome>& outcomes, absl::Time now) {
  Moves moves;
  for (const Outcome& outcome : outcomes) {
    const auto running = running_.find(outcome.ref);
    if (running == running_.end() || running->second.number != outcome.attempt) {
      figures_->late_outcomes.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    running->second.queue->running.fetch_sub(1, std::memory_order_relaxed);
    running_.erase(running);
    EndAttempt(batch, outcome, now, &moves);
    if (suspect_ == outcome.ref) {
      suspect_.reset();
      GoOnWithSuspects(batch, &moves);
    }
  }
  transitions_->Spread(batch, now, &moves);
  return moves;
}

void TaskChanges::GoOnWithSuspects(TaskBatch& batch, Moves* moves) {
  std::deque<StepRef> waiting;
  std::vector<uint32_t> queues;
  for (const StepRef ref : std::exchange(suspects_, {})) {
    const TaskStep* const step = batch.PeekStep(ref);
    // It may have ended with its job.
    if (step == nullptr || step->state() != static_cast<uint32_t>(StepState::kReady)) continue;
    if (std::find(queues.begin(), queues.end(), step->queue()) != queues.end()) {
      waiting.push_back(ref);
      continue;
    }
    queues.push_back(step->queue());
    transitions_->MoveToEnd(batch, ref, moves);
  }
  suspects_ = std::move(waiting);
}

void TaskChanges::EndAttempt(TaskBatch& batch, const Outcome& outcome, absl::Time now,
                             Moves* moves) {
  const StepRef ref = outcome.ref;
  batch.Delete(TaskKey::Running(ref));
  TaskStep* const step = batch.Step(ref);
  const TaskJob* const job = batch.PeekJob(ref.job);
  if (step == nullptr || job == nullptr) return;
  // It has ended without its attempt if its record could not be read.
  if (HasEnded(static_cast<StepState>(step->state()))) return;
  if (outcome.kind != Outcome::Kind::kGivenUp) {
    step->set_lost(0);
    step->set_lost_together(0);
  }
  if (!outcome.status.ok()) {
    step->set_code(static_cast<int32_t>(outcome.status.code()));
    step->set_message(std::string(outcome.status.message()));
  }
  // What a job that is ending has not yet ended is given up, but for its failure step.
  const bool gives_up = job->ending() && (job->failure_step() != ref.step + 1 || job->cancelled());
  switch (outcome.kind) {
    case Outcome::Kind::kSucceeded:
      step->set_code(0);
      step->clear_message();
      step->set_result_bytes(outcome.result.size());
      step->set_rows(outcome.rows);
      step->set_remembered_rows(outcome.remembered_rows);
      batch.AddBlob(TaskKey::Result(ref), outcome.result);
      return transitions_->End(batch, ref, StepState::kSucceeded, now, moves);
    case Outcome::Kind::kFailed:
      step->set_reason(static_cast<uint32_t>(outcome.reason));
      return transitions_->End(batch, ref, StepState::kFailed, now, moves);
    case Outcome::Kind::kRetry:
      if (outcome.was_unavailable) {
        step->set_unavailable(step->unavailable() + 1);
      } else {
        step->set_failures(step->failures() + 1);
      }
      if (gives_up) break;
      if (outcome.due > now) return transitions_->Schedule(batch, ref, outcome.due, moves);
      return transitions_->MakeReady(batch, ref, moves);
    case Outcome::Kind::kGivenUp:
      if (gives_up) break;
      return transitions_->MakeReady(batch, ref, moves);
  }
  transitions_->End(batch, ref, StepTransitions::EndOf(*job), now, moves);
}

}  // namespace souvenir::gateway
