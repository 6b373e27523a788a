#include "gateway/tasks/task_engine.h"

#include <fmt/format.h>

#include <utility>

#include "common/name_list.h"
#include "common/status_macros.h"
#include "gateway/tasks/step_codec.h"

namespace souvenir::gateway {
namespace {

// Dead letters of a job that are run again with other parameters; each gets a record of its own.
constexpr size_t kMostRequeued = 10'000;

}  // namespace

TaskEngine::TaskEngine(const Options& options, const Parts& parts, std::unique_ptr<TaskStore> store)
    : options_(options),
      parts_(parts),
      store_(std::move(store)),
      runner_(options.runner, ResolvingRunner::Parts{.clock = parts.clock,
                                                     .store = store_.get(),
                                                     .catalog = parts.catalog,
                                                     .resolver = parts.resolver}),
      scheduler_(options.scheduler, Scheduler::Parts{.clock = parts.clock,
                                                     .store = store_.get(),
                                                     .runner = &runner_,
                                                     .watchers = &watchers_}) {
  store_->SetWake([this] { scheduler_.OnMoves({.more = true}); });
}

TaskEngine::~TaskEngine() {
  store_->SetWake(nullptr);
  Stop();
}

std::unique_ptr<Submission> TaskEngine::NewSubmission() {
  return std::make_unique<Submission>(
      options_.submission,
      Submission::Parts{.clock = parts_.clock,
                        .store = store_.get(),
                        .catalog = parts_.catalog,
                        .open = &open_submissions_});
}

absl::StatusOr<JobInfo> TaskEngine::FindJob(std::string_view name, std::string_view tenant) const {
  const std::optional<JobNumber> number = store_->NumberOf(name);
  absl::StatusOr<JobInfo> job =
      number ? store_->GetJob(*number) : absl::NotFoundError("it is no id of this gateway");
  if (job.ok() && job->options.tenant == tenant) return job;
  if (!job.ok() && !absl::IsNotFound(job.status())) return job.status();
  return absl::NotFoundError(fmt::format("there is no job '{}'", NameList(name).word()));
}

absl::StatusOr<JobInfo> TaskEngine::Cancel(JobNumber job) {
  SOUVENIR_ASSIGN_OR_RETURN(const Moves moves, store_->Cancel(job, parts_.clock->Now()));
  scheduler_.OnMoves(moves);
  return store_->GetJob(job);
}

absl::StatusOr<JobInfo> TaskEngine::Retry(JobNumber job) {
  SOUVENIR_ASSIGN_OR_RETURN(const Moves moves, store_->Requeue(job, {}, "", parts_.clock->Now()));
  scheduler_.OnMoves(moves);
  return store_->GetJob(job);
}

absl::StatusOr<JobInfo> TaskEngine::Requeue(JobNumber job, const std::vector<std::string>& steps,
                                            const std::vector<Parameter>& parameters) {
  std::vector<uint32_t> numbers;
  for (const std::string& step : steps) {
    SOUVENIR_ASSIGN_OR_RETURN(const uint32_t number, store_->FindStep(job, step));
    numbers.push_back(number);
  }
  if (steps.empty()) {
    SOUVENIR_ASSIGN_OR_RETURN(const auto dead,
                              store_->ListDeadLetters(std::nullopt, job, kMostRequeued));
    if (dead.items.empty()) {
      return absl::FailedPreconditionError("the job has no dead letters");
    }
    if (dead.next) {
      return absl::FailedPreconditionError(
          fmt::format("the job has more than {} dead letters; name those to run again, or retry "
                      "the job",
                      kMostRequeued));
    }
    for (const StepRef ref : dead.items) numbers.push_back(ref.step);
  }
  SOUVENIR_ASSIGN_OR_RETURN(
      const Moves moves,
      store_->Requeue(job, std::move(numbers), EncodeOverride(parameters), parts_.clock->Now()));
  scheduler_.OnMoves(moves);
  return store_->GetJob(job);
}

absl::StatusOr<QueueInfo> TaskEngine::ChangeQueue(const std::string& name,
                                                  const TaskStore::QueueChange& change,
                                                  bool create) {
  SOUVENIR_ASSIGN_OR_RETURN(QueueInfo queue, store_->ChangeQueue(name, change, create));
  // Steps may be able to start now.
  scheduler_.OnMoves({.ready_queues = {name}});
  return queue;
}

absl::StatusOr<QueueInfo> TaskEngine::PauseQueue(const std::string& name, bool paused) {
  return ChangeQueue(name, {.paused = paused}, /*create=*/paused);
}

absl::StatusOr<QueueInfo> TaskEngine::LimitQueue(const std::string& name, uint32_t max_running) {
  return ChangeQueue(name, {.max_running = max_running}, /*create=*/true);
}

}  // namespace souvenir::gateway
