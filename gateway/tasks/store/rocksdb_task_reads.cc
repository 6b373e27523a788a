// The functions of RocksDbTaskStore that only read. They run on their callers' threads.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/name_list.h"
#include "common/status_macros.h"
#include "gateway/tasks/store/rocksdb_task_store.h"
#include "gateway/tasks/store/task_core.h"
#include "gateway/tasks/store/task_database.h"
#include "gateway/tasks/store/task_keys.h"
#include "gateway/tasks/store/task_queues.h"

namespace souvenir::gateway {
namespace {

absl::Status StatusFrom(int32_t code, const std::string& message) {
  return absl::Status(static_cast<absl::StatusCode>(code), message);
}

absl::Status NoJob() { return absl::NotFoundError("there is no such job"); }
absl::Status NoStep() { return absl::NotFoundError("the job has no such step"); }

// Reads a record that must be there.
template <typename Record>
absl::StatusOr<Record> Read(const TaskDatabase& database, const std::string& key,
                            const absl::Status& missing) {
  SOUVENIR_ASSIGN_OR_RETURN(std::optional<Record> record, database.Read<Record>(key));
  if (!record) return missing;
  return *std::move(record);
}

absl::StatusOr<state::v1::TaskJob> ReadJob(const TaskDatabase& database, JobNumber number) {
  SOUVENIR_ASSIGN_OR_RETURN(state::v1::TaskJob job,
                            Read<state::v1::TaskJob>(database, TaskKey::Job(number), NoJob()));
  if (!job.sealed()) return NoJob();
  return job;
}

absl::StatusOr<std::string> ReadText(const TaskDatabase& database, const std::string& key) {
  SOUVENIR_ASSIGN_OR_RETURN(std::optional<std::string> text, database.Get(key));
  return std::move(text).value_or("");
}

JobState StateOf(const state::v1::TaskJob& job) {
  if (job.ended_us() == 0) return JobState::kRunning;
  if (job.cancelled_steps() > 0) return JobState::kCancelled;
  return job.failed() > 0 ? JobState::kFailed : JobState::kSucceeded;
}

absl::StatusOr<JobInfo> InfoOf(const TaskDatabase& database, JobNumber number,
                               const state::v1::TaskJob& job) {
  JobInfo info;
  info.number = number;
  info.options.name = job.name();
  info.options.tenant = job.tenant();
  info.options.run_all = job.run_all();
  info.options.result_ttl = absl::Microseconds(job.result_ttl_us());
  if (job.failure_step() > 0) {
    SOUVENIR_ASSIGN_OR_RETURN(info.options.failure_step,
                              ReadText(database, TaskKey::Name({number, job.failure_step() - 1})));
  }
  if (job.result_step() > 0) {
    SOUVENIR_ASSIGN_OR_RETURN(info.options.result_step,
                              ReadText(database, TaskKey::Name({number, job.result_step() - 1})));
  }
  info.state = StateOf(job);
  info.steps = {.total = job.total(),
                .succeeded = job.succeeded(),
                .failed = job.failed(),
                .skipped = job.skipped(),
                .cancelled = job.cancelled_steps()};
  info.status = StatusFrom(job.code(), job.message());
  info.created = FromMicros(job.created_us());
  info.ended = job.ended_us() == 0 ? absl::InfiniteFuture() : FromMicros(job.ended_us());
  info.next_event = job.next_event();
  return info;
}

// Counts the running steps of a job, which are few.
absl::StatusOr<uint64_t> CountRunning(const TaskDatabase& database, JobNumber job) {
  uint64_t running = 0;
  const std::string until = TaskKey::Running({job + 1, 0});
  TaskDatabase::Scan scan(database, TaskKey::Running({job, 0}), until);
  while (scan.Next()) ++running;
  SOUVENIR_RETURN_IF_ERROR(scan.status());
  return running;
}

}  // namespace

std::string RocksDbTaskStore::NameOf(JobNumber job) const {
  return fmt::format("{:08x}-{}", store_id_, job);
}

std::optional<JobNumber> RocksDbTaskStore::NumberOf(std::string_view name) const {
  const std::string prefix = fmt::format("{:08x}-", store_id_);
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  JobNumber job = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), job);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return job;
}

absl::StatusOr<JobInfo> RocksDbTaskStore::GetJob(JobNumber number) const {
  const Reading reading(*this);
  SOUVENIR_RETURN_IF_ERROR(reading.status());
  SOUVENIR_ASSIGN_OR_RETURN(const state::v1::TaskJob job, ReadJob(reading.database(), number));
  SOUVENIR_ASSIGN_OR_RETURN(JobInfo info, InfoOf(reading.database(), number, job));
  if (info.state == JobState::kRunning) {
    SOUVENIR_ASSIGN_OR_RETURN(info.steps.running, CountRunning(reading.database(), number));
    // The two were read one after another.
    info.steps.running = std::min(info.steps.running, info.steps.total - info.steps.ended());
  }
  return info;
}

absl::StatusOr<Page<JobInfo, JobNumber>> RocksDbTaskStore::ListJobs(JobNumber before,
                                                                    size_t most) const {
  const Reading reading(*this);
  SOUVENIR_RETURN_IF_ERROR(reading.status());
  Page<JobInfo, JobNumber> page;
  const std::string from = TaskKey::Job(0);
  const std::string until = before == 0 ? TaskKey::After("j") : TaskKey::Job(before);
  TaskDatabase::Scan scan(reading.database(), from, until, TaskDatabase::Scan::Order::kBackward);
  while (scan.Next()) {
    const JobNumber number = TaskKey::Reader(scan.key()).Last64();
    if (page.items.size() == most) {
      page.next = page.items.back().number;
      break;
    }
    state::v1::TaskJob job;
    if (!job.ParseFromArray(scan.value().data(), static_cast<int>(scan.value().size())) ||
        !job.sealed()) {
      continue;
    }
    SOUVENIR_ASSIGN_OR_RETURN(JobInfo info, InfoOf(reading.database(), number, job));
    page.items.push_back(std::move(info));
  }
  SOUVENIR_RETURN_IF_ERROR(scan.status());
  return page;
}

absl::StatusOr<uint32_t> RocksDbTaskStore::FindStep(JobNumber job, std::string_view id) const {
  const Reading reading(*this);
  SOUVENIR_RETURN_IF_ERROR(reading.status());
  SOUVENIR_RETURN_IF_ERROR(ReadJob(reading.database(), job).status());
  SOUVENIR_ASSIGN_OR_RETURN(const std::optional<std::string> number,
                            reading.database().Get(TaskKey::Id(job, id)));
  if (!number) {
    return absl::NotFoundError(fmt::format("the job has no step '{}'", NameList(id).word()));
  }
  return TaskKey::Reader(*number).Last32();
}

absl::StatusOr<StepInfo> RocksDbTaskStore::GetStep(StepRef ref, bool with_spec) const {
  const Reading reading(*this);
  SOUVENIR_RETURN_IF_ERROR(reading.status());
  const TaskDatabase& database = reading.database();
  SOUVENIR_ASSIGN_OR_RETURN(const state::v1::TaskStep step,
                            Read<state::v1::TaskStep>(database, TaskKey::State(ref), NoStep()));
  StepInfo info;
  info.number = ref.step;
  SOUVENIR_ASSIGN_OR_RETURN(info.id, ReadText(database, TaskKey::Name(ref)));
  if (with_spec) {
    SOUVENIR_ASSIGN_OR_RETURN(info.spec, ReadText(database, TaskKey::Spec(ref)));
  }
  info.state = static_cast<StepState>(step.state());
  info.queue = queues_->NameOf(step.queue());
  info.priority = step.priority();
  info.attempts = step.attempts();
  info.status = StatusFrom(step.code(), step.message());
  info.reason = static_cast<DeadLetterReason>(step.reason());
  if (step.due_us() != 0) info.due = FromMicros(step.due_us());
  if (step.ended_us() != 0) info.ended = FromMicros(step.ended_us());
  info.result_bytes = step.result_bytes();
  info.rows = step.rows();
  info.remembered_rows = step.remembered_rows();
  return info;
}

absl::StatusOr<std::optional<uint32_t>> RocksDbTaskStore::ResultStep(JobNumber number) const {
  const Reading reading(*this);
  SOUVENIR_RETURN_IF_ERROR(reading.status());
  SOUVENIR_ASSIGN_OR_RETURN(const state::v1::TaskJob job, ReadJob(reading.database(), number));
  if (job.result_step() == 0) return std::optional<uint32_t>();
  return std::optional<uint32_t>(job.result_step() - 1);
}

absl::StatusOr<std::string> RocksDbTaskStore::ReadResult(StepRef step) const {
  const Reading reading(*this);
  SOUVENIR_RETURN_IF_ERROR(reading.status());
  SOUVENIR_ASSIGN_OR_RETURN(std::optional<std::string> result,
                            reading.database().GetBlob(TaskKey::Result(step)));
  if (!result) return absl::NotFoundError("the step has no result");
  return *std::move(result);
}

absl::StatusOr<std::string> RocksDbTaskStore::ReadBlob(JobNumber job,
                                                       const Sha256Digest& digest) const {
  const Reading reading(*this);
  SOUVENIR_RETURN_IF_ERROR(reading.status());
  SOUVENIR_ASSIGN_OR_RETURN(std::optional<std::string> blob,
                            reading.database().GetBlob(TaskKey::Blob(job, digest)));
  if (!blob) return absl::DataLossError("an input of the step is missing in the task store");
  return *std::move(blob);
}

absl::StatusOr<TaskStore::StepWork> RocksDbTaskStore::ReadWork(StepRef ref) const {
  const Reading reading(*this);
  SOUVENIR_RETURN_IF_ERROR(reading.status());
  const TaskDatabase& database = reading.database();
  SOUVENIR_ASSIGN_OR_RETURN(const state::v1::TaskJob job, ReadJob(database, ref.job));
  StepWork work;
  SOUVENIR_ASSIGN_OR_RETURN(work.spec, ReadText(database, TaskKey::Spec(ref)));
  SOUVENIR_ASSIGN_OR_RETURN(const std::optional<state::v1::TaskLinks> links,
                            database.Read<state::v1::TaskLinks>(TaskKey::Links(ref)));
  if (links) work.needs.assign(links->needs().begin(), links->needs().end());
  // Only a job that was run again can have it.
  if (job.generation() > 0) {
    SOUVENIR_ASSIGN_OR_RETURN(work.override, ReadText(database, TaskKey::Override(ref)));
  }
  work.tenant = job.tenant();
  work.is_failure_step = job.failure_step() == ref.step + 1;
  return work;
}

absl::StatusOr<std::vector<TaskEvent>> RocksDbTaskStore::ReadEvents(JobNumber job, uint64_t from,
                                                                    size_t most) const {
  const Reading reading(*this);
  SOUVENIR_RETURN_IF_ERROR(reading.status());
  std::vector<TaskEvent> events;
  const std::string until = TaskKey::Event(job, UINT64_MAX);
  TaskDatabase::Scan scan(reading.database(), TaskKey::Event(job, from), until);
  while (events.size() < most && scan.Next()) {
    state::v1::TaskEvent record;
    if (!record.ParseFromArray(scan.value().data(), static_cast<int>(scan.value().size()))) {
      return absl::DataLossError("an event of the job cannot be read");
    }
    events.push_back({.sequence = TaskKey::Reader(scan.key()).Last64(),
                      .job_ended = record.job_ended(),
                      .step = record.step(),
                      .state = static_cast<StepState>(record.state()),
                      .attempts = record.attempts(),
                      .status = StatusFrom(record.code(), record.message()),
                      .time = FromMicros(record.time_us()),
                      .result_bytes = record.result_bytes(),
                      .rows = record.rows(),
                      .remembered_rows = record.remembered_rows()});
  }
  SOUVENIR_RETURN_IF_ERROR(scan.status());
  return events;
}

absl::StatusOr<Page<StepRef, std::optional<StepRef>>> RocksDbTaskStore::ListDeadLetters(
    std::optional<StepRef> after, JobNumber job, size_t most) const {
  const Reading reading(*this);
  SOUVENIR_RETURN_IF_ERROR(reading.status());
  Page<StepRef, std::optional<StepRef>> page;
  std::string from = job == 0 ? std::string("f") : TaskKey::DeadLetter({job, 0});
  if (after) from = std::max(from, TaskKey::DeadLetter(*after).append(1, '\0'));
  const std::string until = job == 0 ? TaskKey::After("f") : TaskKey::DeadLetter({job + 1, 0});
  TaskDatabase::Scan scan(reading.database(), from, until);
  while (scan.Next()) {
    if (page.items.size() == most) {
      page.next = page.items.back();
      break;
    }
    page.items.push_back(TaskKey::Reader(scan.key()).LastStep());
  }
  SOUVENIR_RETURN_IF_ERROR(scan.status());
  return page;
}

std::vector<QueueInfo> RocksDbTaskStore::Queues() const { return queues_->Infos(); }

TaskStore::Stats RocksDbTaskStore::stats() const {
  const auto load = [](const std::atomic<uint64_t>& figure) {
    return figure.load(std::memory_order_relaxed);
  };
  return {.jobs = load(figures_->jobs),
          .steps = load(figures_->steps),
          .scheduled = load(figures_->scheduled),
          .dead_letters = load(figures_->dead_letters),
          .bytes = load(bytes_),
          .late_outcomes = load(figures_->late_outcomes),
          .lost_attempts = load(figures_->lost_attempts),
          .commits = load(commits_),
          .committed = load(committed_),
          .healthy = healthy_.load(std::memory_order_relaxed)};
}

}  // namespace souvenir::gateway
