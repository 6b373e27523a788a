#include "gateway/tasks/store/task_upkeep.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/status_macros.h"
#include "gateway/tasks/store/task_keys.h"

namespace souvenir::gateway {
namespace {

using state::v1::TaskJob;
using state::v1::TaskStep;
using state::v1::TaskSweep;

// Most jobs that one change drops.
constexpr size_t kMostExpired = 16;

StepState StateOf(const TaskStep& step) { return static_cast<StepState>(step.state()); }

template <typename Record>
bool Parse(std::string_view bytes, Record* record) {
  return record->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

// Calls `visit` for each record of a kind.
template <typename Visit>
absl::Status ForEach(const TaskDatabase& database, const std::string& kind, const Visit& visit) {
  const std::string until = TaskKey::After(kind);
  TaskDatabase::Scan scan(database, kind, until);
  while (scan.Next()) visit(scan.key(), scan.value());
  return scan.status();
}

}  // namespace

absl::Status TaskUpkeep::Load(const TaskDatabase& database) {
  changes_->SetNextJob(database.meta().next_job());
  std::map<uint32_t, std::pair<std::string, state::v1::TaskQueue>> by_number;
  SOUVENIR_RETURN_IF_ERROR(
      ForEach(database, "q", [&](std::string_view key, std::string_view value) {
        state::v1::TaskQueue record;
        if (Parse(value, &record)) {
          const uint32_t number = record.number();
          by_number.emplace(number, std::pair(std::string(key.substr(1)), std::move(record)));
        }
      }));
  for (const auto& [number, named] : by_number) {
    TaskQueue* const queue = queues_->Restore(named.first);
    if (queue->number != number) {
      return absl::DataLossError("the queues of the task store are damaged");
    }
    queue->paused = named.second.paused();
    queue->max_running = named.second.max_running();
  }
  uint64_t last_ready = 0;
  bool sound = true;
  SOUVENIR_RETURN_IF_ERROR(ForEach(database, "y", [&](std::string_view key, std::string_view) {
    TaskKey::Reader reader(key);
    last_ready = std::max(last_ready, reader.Last64());
    const int priority = kMostPriority - static_cast<uint8_t>(key[key.size() - 9]);
    TaskQueue* const queue = queues_->At(TaskKey::Reader(key.substr(0, 5)).Last32());
    if (queue == nullptr || priority < kLeastPriority || priority > kMostPriority) {
      sound = false;
      return;
    }
    ++queue->level(priority).ready;
    ++queue->ready;
  }));
  if (!sound) return absl::DataLossError("a ready step of the task store is in no known queue");
  transitions_->SetNextReady(last_ready + 1);
  const auto count_job = [&](std::string_view key, std::string_view value) {
    TaskJob job;
    const bool is_read = Parse(value, &job);
    if (!is_read) damaged_.push_back(TaskKey::Reader(key).Last64());
    if (!is_read || !job.sealed()) return;
    ++figures_->jobs;
    figures_->steps += job.total();
  };
  SOUVENIR_RETURN_IF_ERROR(ForEach(database, "j", count_job));
  SOUVENIR_RETURN_IF_ERROR(
      ForEach(database, "t", [&](std::string_view, std::string_view) { ++figures_->scheduled; }));
  SOUVENIR_RETURN_IF_ERROR(ForEach(database, "w", [&](std::string_view key, std::string_view) {
    transitions_->sweeping()->insert(TaskKey::Reader(key).Last64());
  }));
  transitions_->ExpectNews();
  return ForEach(database, "f",
                 [&](std::string_view, std::string_view) { ++figures_->dead_letters; });
}

Moves TaskUpkeep::Recover(TaskBatch& batch, Running why, uint32_t max_lost, absl::Time now) {
  Moves moves;
  std::vector<StepRef> running;
  std::vector<JobNumber> unsealed;
  const auto read = [&](const std::string& kind, const auto& visit) {
    const absl::Status status = ForEach(batch.database(), kind, visit);
    if (!status.ok()) batch.Fail(status);
  };
  read("r", [&](std::string_view key, std::string_view) {
    running.push_back(TaskKey::Reader(key).LastStep());
  });
  read("z", [&](std::string_view key, std::string_view) {
    unsealed.push_back(TaskKey::Reader(key).Last64());
  });
  for (const JobNumber job : unsealed) {
    batch.Delete(TaskKey::Unsealed(job));
    batch.Forget(job);
  }
  for (const JobNumber job : std::exchange(damaged_, {})) {
    const TaskJob* const replaced = batch.PeekJob(job);
    if (replaced == nullptr) continue;  // it was not sealed
    ++figures_->jobs;
    figures_->steps += replaced->total();
  }
  const auto suspects = std::count_if(running.begin(), running.end(), [&](StepRef ref) {
    const TaskStep* const step = batch.PeekStep(ref);
    return step != nullptr && IsSuspect(*step);
  });
  for (const StepRef ref : running) {
    batch.Delete(TaskKey::Running(ref));
    TaskStep* const step = batch.Step(ref);
    const TaskJob* const job = batch.PeekJob(ref.job);
    if (step == nullptr || job == nullptr || StateOf(*step) != StepState::kRunning) continue;
    if (step->attempts() == 0) continue;  // its record was lost: EndDamaged() ends it
    if (why == Running::kProcessEnded) {
      const bool is_guilty = running.size() == 1 || (suspects == 1 && IsSuspect(*step));
      if (is_guilty) {
        step->set_lost(step->lost() + 1);
      } else {
        step->set_lost_together(step->lost_together() + 1);
      }
      figures_->lost_attempts.fetch_add(1, std::memory_order_relaxed);
    }
    const bool goes_on =
        !job->ending() || (job->failure_step() == ref.step + 1 && !job->cancelled());
    if (!goes_on) {
      transitions_->End(batch, ref, StepTransitions::EndOf(*job), now, &moves);
    } else if (step->lost() >= max_lost) {
      step->set_code(static_cast<int32_t>(absl::StatusCode::kAborted));
      step->set_message(fmt::format("the gateway ended {} times while the step ran", step->lost()));
      step->set_reason(static_cast<uint32_t>(DeadLetterReason::kLost));
      transitions_->End(batch, ref, StepState::kFailed, now, &moves);
    } else {
      transitions_->MakeReady(batch, ref, &moves);
    }
  }
  transitions_->Spread(batch, now, &moves);
  transitions_->EndDamaged(batch, now, &moves);
  moves.more = true;  // sweeps and timers may be due
  return moves;
}

Moves TaskUpkeep::Maintain(TaskBatch& batch, absl::Time now) {
  Moves moves;
  transitions_->TakeUp(batch, &moves);
  EndTimers(batch, now, &moves);
  GoOnWithSweeps(batch, now, &moves);
  transitions_->Spread(batch, now, &moves);
  DropExpired(batch, now, &moves);
  return moves;
}

void TaskUpkeep::EndTimers(TaskBatch& batch, absl::Time now, Moves* moves) {
  const std::string until = TaskKey::After("t");
  std::string reached = transitions_->timers()->From();
  TaskDatabase::Scan scan(batch.database(), reached, until);
  for (size_t ended = 0; scan.Next(); ++ended) {
    TaskKey::Reader reader(scan.key());
    reached = scan.key();
    const StepRef ref = reader.LastStep();
    const auto due = static_cast<int64_t>(reader.Last64());
    if (due > ToMicros(now)) {
      moves->next_due = std::min(moves->next_due, FromMicros(due));
      break;
    }
    if (ended == piece_) {
      moves->more = true;
      break;
    }
    const TaskStep* const step = batch.PeekStep(ref);
    const bool waits =
        step != nullptr && StateOf(*step) == StepState::kScheduled && step->due_us() == due;
    // A change of the same batch may have ended the step, and its timer. A step whose record was
    // lost has left it.
    const std::string key = TaskKey::Timer(due, ref);
    if (!waits && !batch.Get(key)) continue;
    batch.Delete(key);
    figures_->scheduled.fetch_sub(1, std::memory_order_relaxed);
    if (waits) transitions_->MakeReady(batch, ref, moves);
  }
  transitions_->timers()->Reached(std::move(reached));
  if (!scan.status().ok()) batch.Fail(scan.status());
}

void TaskUpkeep::DropExpired(TaskBatch& batch, absl::Time now, Moves* moves) {
  const std::string until = TaskKey::After("x");
  std::string reached = transitions_->expiries()->From();
  TaskDatabase::Scan scan(batch.database(), reached, until);
  for (size_t dropped = 0; scan.Next(); ++dropped) {
    TaskKey::Reader reader(scan.key());
    reached = scan.key();
    const JobNumber number = reader.Last64();
    const auto at = static_cast<int64_t>(reader.Last64());
    if (at > ToMicros(now)) {
      moves->next_due = std::min(moves->next_due, FromMicros(at));
      break;
    }
    if (dropped == kMostExpired) {
      moves->more = true;
      break;
    }
    const std::string key(scan.key());
    const TaskJob* const job = batch.PeekJob(number);
    // A change of the same batch may have begun to run the job again.
    if (job != nullptr && job->ended_us() == 0) continue;
    batch.Delete(key);
    changes_->Drop(batch, number);
  }
  transitions_->expiries()->Reached(std::move(reached));
  if (!scan.status().ok()) batch.Fail(scan.status());
}

void TaskUpkeep::GoOnWithSweeps(TaskBatch& batch, absl::Time now, Moves* moves) {
  size_t budget = piece_;
  std::set<JobNumber>* const sweeping = transitions_->sweeping();
  for (auto next = sweeping->begin(); next != sweeping->end();) {
    if (budget == 0) {
      moves->more = true;
      break;
    }
    const JobNumber number = *next;
    const std::string key = TaskKey::Sweeping(number);
    const std::optional<std::string> present = batch.Get(key);
    if (!present) {
      next = sweeping->erase(next);
      continue;
    }
    ++next;
    TaskSweep sweep;
    if (!sweep.ParseFromString(*present)) {
      const TaskJob* const job = batch.PeekJob(number);
      if (job == nullptr || job->ended_us() != 0) batch.Delete(key);
      transitions_->EndLost(batch, number, "where work on the job stands cannot be read", moves);
      continue;
    }
    const bool over = GoOn(batch, number, &sweep, &budget, now, moves);
    // The end of a step may have replaced the sweep, or ended the job.
    if (batch.Get(key) != present) {
      moves->more = true;
      continue;
    }
    if (over) {
      batch.Delete(key);
    } else {
      batch.Put(key, sweep.SerializeAsString());
      moves->more = true;
    }
  }
}

bool TaskUpkeep::GoOn(TaskBatch& batch, JobNumber number, TaskSweep* sweep, size_t* budget,
                      absl::Time now, Moves* moves) {
  const TaskJob* const job = batch.PeekJob(number);
  if (job == nullptr || job->ended_us() != 0) return true;
  const uint32_t total = static_cast<uint32_t>(job->total());
  for (; sweep->cursor() < total && *budget > 0; sweep->set_cursor(sweep->cursor() + 1)) {
    --*budget;
    const StepRef ref{number, sweep->cursor()};
    const TaskStep* const step = batch.PeekStep(ref);
    if (step == nullptr) return true;
    const bool is_failure_step = job->failure_step() == ref.step + 1;
    const bool starts =
        StateOf(*step) == StepState::kPending && step->needs() == 0 && !is_failure_step;
    switch (static_cast<Sweep>(sweep->phase())) {
      case Sweep::kStart:
        if (starts) transitions_->Begin(batch, ref, now, moves);
        break;
      case Sweep::kEnd:
        // A step that runs ends with its attempt, and a failure step that has not begun with the
        // job.
        if (HasEnded(StateOf(*step)) || StateOf(*step) == StepState::kRunning) break;
        if (is_failure_step && (!job->cancelled() || StateOf(*step) == StepState::kPending)) break;
        transitions_->EndWaiting(batch, ref, now, moves);
        break;
      case Sweep::kReset:
        Reset(batch, ref, *sweep);
        break;
      case Sweep::kRelease:
        if (starts) transitions_->Begin(batch, ref, now, moves);
        if (HasEnded(StateOf(*step)) && step->generation() < job->generation()) {
          transitions_->Tell(ref, StateOf(*step) == StepState::kSucceeded, job->generation());
        }
        break;
    }
    // Ending the last step ends the job.
    if (job->ended_us() != 0) return true;
  }
  if (sweep->cursor() < total) return false;
  if (static_cast<Sweep>(sweep->phase()) != Sweep::kReset) {
    transitions_->CheckJob(batch, number, now, moves);
    return true;
  }
  sweep->set_phase(static_cast<uint32_t>(Sweep::kRelease));
  sweep->set_cursor(0);
  sweep->clear_selected();
  return false;
}

void TaskUpkeep::Reset(TaskBatch& batch, StepRef ref, const TaskSweep& sweep) {
  TaskJob* const job = batch.Job(ref.job);
  TaskStep* const step = batch.Step(ref);
  const bool is_failure_step = job->failure_step() == ref.step + 1;
  const auto& selected = sweep.selected();
  switch (StateOf(*step)) {
    case StepState::kFailed: {
      const bool again = is_failure_step || selected.empty() ||
                         std::binary_search(selected.begin(), selected.end(), ref.step);
      if (!again) return;
      job->set_failed(job->failed() - 1);
      batch.Delete(TaskKey::DeadLetter(ref));
      figures_->dead_letters.fetch_sub(1, std::memory_order_relaxed);
      break;
    }
    case StepState::kSkipped:
      job->set_skipped(job->skipped() - 1);
      break;
    case StepState::kCancelled:
      job->set_cancelled_steps(job->cancelled_steps() - 1);
      break;
    case StepState::kSucceeded:
      if (!is_failure_step) return;
      job->set_succeeded(job->succeeded() - 1);
      break;
    case StepState::kPending:
    case StepState::kScheduled:
    case StepState::kReady:
    case StepState::kRunning:
      return;
  }
  step->set_state(static_cast<uint32_t>(StepState::kPending));
  step->set_pending(step->needs());
  step->set_failed_needs(0);
  step->set_failures(0);
  step->set_unavailable(0);
  step->set_lost(0);
  step->set_lost_together(0);
  step->set_ended_us(0);
  step->set_reason(0);
  step->set_result_bytes(0);
  step->set_generation(job->generation());
}

}  // namespace souvenir::gateway
