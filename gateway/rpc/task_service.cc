#include "gateway/rpc/task_service.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "common/grpc/unary_calls.h"
#include "common/model_name.h"
#include "common/status_macros.h"
#include "gateway/rpc/result_call.h"
#include "gateway/rpc/submit_call.h"
#include "gateway/rpc/task_messages.h"
#include "gateway/rpc/watch_call.h"

namespace souvenir::gateway {
namespace {

// Records that one page of a filtered list looks at, at most.
constexpr size_t kMostLookedAt = 10'000;
constexpr uint32_t kMostRunning = 65'536;

// Returns a job of TaskStore::ListJobs(), which does not count running steps, with their number.
JobInfo WithRunningSteps(const JobInfo& job, const TaskStore& store) {
  if (job.state != JobState::kRunning) return job;
  absl::StatusOr<JobInfo> counted = store.GetJob(job.number);
  // A job that has ended meanwhile stays as it was listed.
  return counted.ok() && counted->state == job.state ? *std::move(counted) : job;
}

absl::Status BadToken(std::string_view token) {
  return absl::InvalidArgumentError(
      fmt::format("page_token: '{}' came, which no page of this list has told",
                  EscapedName(token.substr(0, 80))));
}

// Reads the numbers of a page token, which are separated by '.'. "" are zeros.
template <size_t kNumbers>
absl::StatusOr<std::array<uint64_t, kNumbers>> ReadToken(const std::string& token) {
  std::array<uint64_t, kNumbers> numbers{};
  if (token.empty()) return numbers;
  const char* at = token.data();
  const char* const end = at + token.size();
  for (size_t i = 0; i < kNumbers; ++i) {
    if (i > 0 && (at == end || *at++ != '.')) return BadToken(token);
    const auto [rest, error] = std::from_chars(at, end, numbers[i]);
    if (error != std::errc()) return BadToken(token);
    at = rest;
  }
  if (at != end) return BadToken(token);
  return numbers;
}

}  // namespace

TaskService::Metrics::Metrics(RpcEntry* entry)
    : submit_job(entry->Method("SubmitJob")),
      submit(entry->Method("Submit")),
      get_job(entry->Method("GetJob")),
      list_jobs(entry->Method("ListJobs")),
      list_steps(entry->Method("ListSteps")),
      watch(entry->Method("Watch")),
      get_result(entry->Method("GetResult")),
      cancel(entry->Method("Cancel")),
      retry(entry->Method("Retry")),
      list_dead_letters(entry->Method("ListDeadLetters")),
      requeue(entry->Method("Requeue")),
      list_queues(entry->Method("ListQueues")),
      pause_queue(entry->Method("PauseQueue")),
      resume_queue(entry->Method("ResumeQueue")),
      set_queue_limits(entry->Method("SetQueueLimits")) {}

TaskService::TaskService(const TaskParts& parts, Queues queues)
    : parts_(parts), queues_(queues), metrics_(parts.entry) {}

template <typename Work>
grpc::ServerUnaryReactor* TaskService::AnswerOnOne(Executor* executor, RpcMethodMetrics* metrics,
                                                   grpc::CallbackServerContext* context,
                                                   const google::protobuf::MessageLite* response,
                                                   Work work) {
  return AnswerOn(executor, TaskParts::Busy(), parts_.entry, metrics, context, response,
                  [this, context, work = std::move(work)]() -> absl::Status {
                    SOUVENIR_ASSIGN_OR_RETURN(const std::string tenant, parts_.Admit(context));
                    return work(tenant);
                  });
}

grpc::ServerUnaryReactor* TaskService::SubmitJob(grpc::CallbackServerContext* context,
                                                 const v1::SubmitJobRequest* request,
                                                 v1::SubmitJobResponse* response) {
  return AnswerOnOne(
      parts_.submissions, metrics_.submit_job, context, response,
      [=, this](const std::string& tenant) { return SubmitWhole(tenant, *request, response); });
}

absl::Status TaskService::SubmitWhole(const std::string& tenant,
                                      const v1::SubmitJobRequest& request,
                                      v1::SubmitJobResponse* response) {
  SOUVENIR_ASSIGN_OR_RETURN(JobOptions options, ReadJobOptions(request.options(), tenant));
  const std::unique_ptr<Submission> submission = parts_.engine->NewSubmission();
  SOUVENIR_RETURN_IF_ERROR(submission->Begin(std::move(options)));
  if (submission->already_submitted()) {
    WriteSubmitted(*parts_.engine, {.job = submission->job(), .already_submitted = true}, response);
    return absl::OkStatus();
  }
  SOUVENIR_RETURN_IF_ERROR(AddSteps(0, request.steps(), submission.get()));
  SOUVENIR_ASSIGN_OR_RETURN(const TaskStore::Sealed sealed, submission->Seal());
  parts_.engine->Accept(sealed);
  WriteSubmitted(*parts_.engine, sealed.begun, response);
  return absl::OkStatus();
}

grpc::ServerReadReactor<v1::SubmitRequest>* TaskService::Submit(
    grpc::CallbackServerContext* context, v1::SubmitJobResponse* response) {
  return SubmitCall::Start(parts_, metrics_.submit, context, response);
}

grpc::ServerUnaryReactor* TaskService::GetJob(grpc::CallbackServerContext* context,
                                              const v1::GetJobRequest* request, v1::Job* response) {
  return Answer(metrics_.get_job, context, response,
                [=, this](const std::string& tenant) -> absl::Status {
                  SOUVENIR_ASSIGN_OR_RETURN(const JobInfo job,
                                            parts_.engine->FindJob(request->job_id(), tenant));
                  WriteJob(job, parts_.engine->store(), response);
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* TaskService::ListJobs(grpc::CallbackServerContext* context,
                                                const v1::ListJobsRequest* request,
                                                v1::ListJobsResponse* response) {
  return Answer(metrics_.list_jobs, context, response, [=, this](const std::string& tenant) {
    return FillJobs(tenant, *request, response);
  });
}

absl::Status TaskService::FillJobs(const std::string& tenant, const v1::ListJobsRequest& request,
                                   v1::ListJobsResponse* response) {
  SOUVENIR_ASSIGN_OR_RETURN(const size_t page_size, ReadPageSize(request.page_size()));
  SOUVENIR_ASSIGN_OR_RETURN(const std::optional<JobState> state, ReadFilter(request.state()));
  SOUVENIR_ASSIGN_OR_RETURN(const auto token, ReadToken<1>(request.page_token()));
  const TaskStore& store = parts_.engine->store();
  JobNumber before = token[0];
  for (size_t looked_at = 0; looked_at < kMostLookedAt;) {
    SOUVENIR_ASSIGN_OR_RETURN(const auto page, store.ListJobs(before, page_size));
    looked_at += std::max<size_t>(page.items.size(), 1);
    for (const JobInfo& job : page.items) {
      if (job.options.tenant != tenant || (state && job.state != *state)) continue;
      if (response->jobs_size() == static_cast<int>(page_size)) {
        response->set_next_page_token(fmt::format("{}", before));
        return absl::OkStatus();
      }
      before = job.number;
      WriteJob(WithRunningSteps(job, store), store, response->add_jobs());
    }
    if (page.next == 0) return absl::OkStatus();
    before = page.next;
  }
  response->set_next_page_token(fmt::format("{}", before));
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* TaskService::ListSteps(grpc::CallbackServerContext* context,
                                                 const v1::ListStepsRequest* request,
                                                 v1::ListStepsResponse* response) {
  return Answer(metrics_.list_steps, context, response, [=, this](const std::string& tenant) {
    return FillSteps(tenant, *request, response);
  });
}

absl::Status TaskService::FillSteps(const std::string& tenant, const v1::ListStepsRequest& request,
                                    v1::ListStepsResponse* response) {
  SOUVENIR_ASSIGN_OR_RETURN(const size_t page_size, ReadPageSize(request.page_size()));
  SOUVENIR_ASSIGN_OR_RETURN(const std::optional<StepState> state, ReadFilter(request.state()));
  SOUVENIR_ASSIGN_OR_RETURN(const auto token, ReadToken<1>(request.page_token()));
  SOUVENIR_ASSIGN_OR_RETURN(const JobInfo job, parts_.engine->FindJob(request.job_id(), tenant));
  const TaskStore& store = parts_.engine->store();
  uint64_t number = token[0];
  const uint64_t end = std::min<uint64_t>(
      job.steps.total, number < job.steps.total ? number + kMostLookedAt : number);
  for (; number < end && response->steps_size() < static_cast<int>(page_size); ++number) {
    const StepRef ref{job.number, static_cast<uint32_t>(number)};
    SOUVENIR_ASSIGN_OR_RETURN(const StepInfo step, store.GetStep(ref, /*with_spec=*/true));
    if (!state || step.state == *state) WriteStep(step, response->add_steps());
  }
  if (number < job.steps.total) response->set_next_page_token(fmt::format("{}", number));
  return absl::OkStatus();
}

grpc::ServerWriteReactor<v1::JobEvent>* TaskService::Watch(grpc::CallbackServerContext* context,
                                                           const v1::WatchRequest* request) {
  return WatchCall::Start(parts_, metrics_.watch, context, *request);
}

grpc::ServerWriteReactor<v1::ResultChunk>* TaskService::GetResult(
    grpc::CallbackServerContext* context, const v1::GetResultRequest* request) {
  return ResultCall::Start(parts_, metrics_.get_result, context, *request);
}

grpc::ServerUnaryReactor* TaskService::Cancel(grpc::CallbackServerContext* context,
                                              const v1::CancelRequest* request,
                                              v1::CancelResponse* response) {
  return Answer(metrics_.cancel, context, response,
                [=, this](const std::string& tenant) -> absl::Status {
                  SOUVENIR_ASSIGN_OR_RETURN(const JobInfo found,
                                            parts_.engine->FindJob(request->job_id(), tenant));
                  SOUVENIR_ASSIGN_OR_RETURN(const JobInfo job, parts_.engine->Cancel(found.number));
                  WriteJob(job, parts_.engine->store(), response->mutable_job());
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* TaskService::Retry(grpc::CallbackServerContext* context,
                                             const v1::RetryRequest* request,
                                             v1::RetryResponse* response) {
  return Answer(metrics_.retry, context, response,
                [=, this](const std::string& tenant) -> absl::Status {
                  SOUVENIR_ASSIGN_OR_RETURN(const JobInfo found,
                                            parts_.engine->FindJob(request->job_id(), tenant));
                  SOUVENIR_ASSIGN_OR_RETURN(const JobInfo job, parts_.engine->Retry(found.number));
                  WriteJob(job, parts_.engine->store(), response->mutable_job());
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* TaskService::ListDeadLetters(grpc::CallbackServerContext* context,
                                                       const v1::ListDeadLettersRequest* request,
                                                       v1::ListDeadLettersResponse* response) {
  return Answer(
      metrics_.list_dead_letters, context, response,
      [=, this](const std::string& tenant) { return FillDeadLetters(tenant, *request, response); });
}

absl::Status TaskService::FillDeadLetters(const std::string& tenant,
                                          const v1::ListDeadLettersRequest& request,
                                          v1::ListDeadLettersResponse* response) {
  SOUVENIR_ASSIGN_OR_RETURN(const size_t page_size, ReadPageSize(request.page_size()));
  SOUVENIR_ASSIGN_OR_RETURN(const auto token, ReadToken<2>(request.page_token()));
  const TaskStore& store = parts_.engine->store();
  JobNumber only = 0;
  if (!request.job_id().empty()) {
    SOUVENIR_ASSIGN_OR_RETURN(const JobInfo job, parts_.engine->FindJob(request.job_id(), tenant));
    only = job.number;
  }
  std::optional<StepRef> after;
  if (!request.page_token().empty()) after = {token[0], static_cast<uint32_t>(token[1])};
  for (size_t looked_at = 0; looked_at < kMostLookedAt;) {
    SOUVENIR_ASSIGN_OR_RETURN(const auto page, store.ListDeadLetters(after, only, page_size));
    looked_at += std::max<size_t>(page.items.size(), 1);
    for (const StepRef ref : page.items) {
      if (response->dead_letters_size() == static_cast<int>(page_size)) {
        response->set_next_page_token(fmt::format("{}.{}", after->job, after->step));
        return absl::OkStatus();
      }
      after = ref;
      // What expires meanwhile is left out.
      const absl::StatusOr<JobInfo> job = store.GetJob(ref.job);
      const absl::StatusOr<StepInfo> step = store.GetStep(ref, /*with_spec=*/true);
      if (!job.ok() || !step.ok() || job->options.tenant != tenant) continue;
      if (!request.queue().empty() && step->queue != request.queue()) continue;
      WriteDeadLetter(*step, store.NameOf(ref.job), response->add_dead_letters());
    }
    if (!page.next) return absl::OkStatus();
  }
  response->set_next_page_token(fmt::format("{}.{}", after->job, after->step));
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* TaskService::Requeue(grpc::CallbackServerContext* context,
                                               const v1::RequeueRequest* request,
                                               v1::RequeueResponse* response) {
  return Answer(
      metrics_.requeue, context, response, [=, this](const std::string& tenant) -> absl::Status {
        constexpr int kMostSteps = 10'000;
        if (request->steps_size() > kMostSteps) {
          return absl::InvalidArgumentError(
              fmt::format("steps: {} came; {} is the most", request->steps_size(), kMostSteps));
        }
        SOUVENIR_ASSIGN_OR_RETURN(const std::vector<Parameter> parameters,
                                  ReadStepParameters("requeue", request->parameters()));
        SOUVENIR_ASSIGN_OR_RETURN(const JobInfo found,
                                  parts_.engine->FindJob(request->job_id(), tenant));
        SOUVENIR_ASSIGN_OR_RETURN(
            const JobInfo job,
            parts_.engine->Requeue(found.number, {request->steps().begin(), request->steps().end()},
                                   parameters));
        WriteJob(job, parts_.engine->store(), response->mutable_job());
        return absl::OkStatus();
      });
}

grpc::ServerUnaryReactor* TaskService::ListQueues(grpc::CallbackServerContext* context,
                                                  const v1::ListQueuesRequest*,
                                                  v1::ListQueuesResponse* response) {
  return Answer(metrics_.list_queues, context, response, [=, this](const std::string&) {
    for (const QueueInfo& queue : parts_.engine->store().Queues()) {
      WriteQueue(queue, response->add_queues());
    }
    return absl::OkStatus();
  });
}

absl::Status TaskService::CheckMayChange(const std::string& queue) const {
  if (queues_ == Queues::kMayChange) return CheckQueueName("name", queue);
  return absl::PermissionDeniedError(
      "queues are everybody's; they are paused, resumed and limited on the gateway's admin port");
}

grpc::ServerUnaryReactor* TaskService::PauseQueue(grpc::CallbackServerContext* context,
                                                  const v1::PauseQueueRequest* request,
                                                  v1::Queue* response) {
  return Answer(metrics_.pause_queue, context, response,
                [=, this](const std::string&) -> absl::Status {
                  SOUVENIR_RETURN_IF_ERROR(CheckMayChange(request->name()));
                  SOUVENIR_ASSIGN_OR_RETURN(const QueueInfo queue,
                                            parts_.engine->PauseQueue(request->name(), true));
                  WriteQueue(queue, response);
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* TaskService::ResumeQueue(grpc::CallbackServerContext* context,
                                                   const v1::ResumeQueueRequest* request,
                                                   v1::Queue* response) {
  return Answer(metrics_.resume_queue, context, response,
                [=, this](const std::string&) -> absl::Status {
                  SOUVENIR_RETURN_IF_ERROR(CheckMayChange(request->name()));
                  SOUVENIR_ASSIGN_OR_RETURN(const QueueInfo queue,
                                            parts_.engine->PauseQueue(request->name(), false));
                  WriteQueue(queue, response);
                  return absl::OkStatus();
                });
}

grpc::ServerUnaryReactor* TaskService::SetQueueLimits(grpc::CallbackServerContext* context,
                                                      const v1::SetQueueLimitsRequest* request,
                                                      v1::Queue* response) {
  return Answer(
      metrics_.set_queue_limits, context, response, [=, this](const std::string&) -> absl::Status {
        SOUVENIR_RETURN_IF_ERROR(CheckMayChange(request->name()));
        if (request->max_running() > kMostRunning) {
          return absl::InvalidArgumentError(fmt::format("max_running: {} came; {} is the most",
                                                        request->max_running(), kMostRunning));
        }
        SOUVENIR_ASSIGN_OR_RETURN(
            const QueueInfo queue,
            parts_.engine->LimitQueue(request->name(), request->max_running()));
        WriteQueue(queue, response);
        return absl::OkStatus();
      });
}

}  // namespace souvenir::gateway
