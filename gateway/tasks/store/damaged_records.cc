#include "gateway/tasks/store/damaged_records.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/status_macros.h"
#include "gateway/tasks/store/task_keys.h"

namespace souvenir::gateway {
namespace {

using state::v1::TaskJob;
using state::v1::TaskLinks;
using state::v1::TaskStep;

// How long the job is kept after its end; what its submitter asked for is lost.
constexpr absl::Duration kDamagedTtl = absl::Hours(24);

template <typename Record>
bool Parse(std::string_view bytes, Record* record) {
  return record->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

void Count(StepState state, TaskJob* job) {
  switch (state) {
    case StepState::kSucceeded:
      return job->set_succeeded(job->succeeded() + 1);
    case StepState::kFailed:
      return job->set_failed(job->failed() + 1);
    case StepState::kSkipped:
      return job->set_skipped(job->skipped() + 1);
    case StepState::kCancelled:
      return job->set_cancelled_steps(job->cancelled_steps() + 1);
    case StepState::kPending:
    case StepState::kScheduled:
    case StepState::kReady:
    case StepState::kRunning:
      return;  // no ends
  }
}

// Returns the event with which a step has ended; nullopt if it has not. A step that did not succeed
// may run again after the end of its job.
absl::StatusOr<std::optional<state::v1::TaskEvent>> LastEndOf(const TaskDatabase& database,
                                                              StepRef ref) {
  std::optional<state::v1::TaskEvent> last;
  const std::string until = TaskKey::Event(ref.job, UINT64_MAX);
  TaskDatabase::Scan scan(database, TaskKey::Event(ref.job, 0), until);
  while (scan.Next()) {
    state::v1::TaskEvent event;
    if (!Parse(scan.value(), &event)) continue;
    if (event.job_ended()) {
      if (last && last->state() != static_cast<uint32_t>(StepState::kSucceeded)) last.reset();
    } else if (event.step() == ref.step) {
      last = std::move(event);
    }
  }
  SOUVENIR_RETURN_IF_ERROR(scan.status());
  return last;
}

}  // namespace

absl::StatusOr<TaskJob> JobInPlaceOf(const TaskDatabase& database, JobNumber number) {
  TaskJob job;
  job.set_sealed(true);
  job.set_ending(true);
  job.set_cancelled(true);
  job.set_code(static_cast<int32_t>(absl::StatusCode::kDataLoss));
  job.set_message("the record of the job cannot be read");
  job.set_result_ttl_us(absl::ToInt64Microseconds(kDamagedTtl));
  job.set_next_event(1);
  const std::string last_step = TaskKey::State({number, UINT32_MAX});
  TaskDatabase::Scan steps(database, TaskKey::State({number, 0}), last_step);
  while (steps.Next()) {
    const uint64_t step = TaskKey::Reader(steps.key()).Last32();
    job.set_total(std::max(job.total(), step + 1));
    TaskStep record;
    if (!Parse(steps.value(), &record)) continue;
    job.set_generation(std::max(job.generation(), record.generation()));
    Count(static_cast<StepState>(record.state()), &job);
  }
  SOUVENIR_RETURN_IF_ERROR(steps.status());
  const std::string last_event = TaskKey::Event(number, UINT64_MAX);
  TaskDatabase::Scan events(database, TaskKey::Event(number, 0), last_event,
                            TaskDatabase::Scan::Order::kBackward);
  if (events.Next()) job.set_next_event(TaskKey::Reader(events.key()).Last64() + 1);
  SOUVENIR_RETURN_IF_ERROR(events.status());
  return job;
}

absl::StatusOr<TaskStep> StepInPlaceOf(const TaskDatabase& database, StepRef ref) {
  TaskStep step;
  step.set_state(static_cast<uint32_t>(StepState::kRunning));
  SOUVENIR_ASSIGN_OR_RETURN(const std::optional<std::string> bytes,
                            database.Get(TaskKey::Links(ref)));
  TaskLinks links;
  if (bytes && links.ParseFromString(*bytes)) {
    step.set_needs(static_cast<uint32_t>(links.needs_size()));
  }
  SOUVENIR_ASSIGN_OR_RETURN(const std::optional<state::v1::TaskEvent> event,
                            LastEndOf(database, ref));
  if (!event) return step;
  step.set_state(event->state());
  step.set_attempts(event->attempts());
  step.set_ended_us(event->time_us());
  step.set_code(event->code());
  step.set_message(event->message());
  step.set_result_bytes(event->result_bytes());
  step.set_rows(event->rows());
  step.set_remembered_rows(event->remembered_rows());
  return step;
}

}  // namespace souvenir::gateway
