#include "gateway/rpc/submit_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/grpc/status.h"
#include "common/status_detail.h"
#include "common/status_macros.h"
#include "gateway/rpc/task_messages.h"

namespace souvenir::gateway {

absl::Status AddSteps(size_t first, const google::protobuf::RepeatedPtrField<v1::Step>& steps,
                      Submission* submission) {
  std::vector<StepRequest> read;
  read.reserve(static_cast<size_t>(steps.size()));
  for (const v1::Step& step : steps) {
    SOUVENIR_ASSIGN_OR_RETURN(StepRequest request, ReadStep(first + read.size(), step));
    read.push_back(std::move(request));
  }
  return submission->Add(std::move(read));
}

void WriteSubmitted(const TaskEngine& engine, const TaskStore::Begun& begun,
                    v1::SubmitJobResponse* response) {
  response->set_job_id(engine.store().NameOf(begun.job));
  response->set_already_submitted(begun.already_submitted);
}

grpc::ServerReadReactor<v1::SubmitRequest>* SubmitCall::Start(const TaskParts& parts,
                                                              RpcMethodMetrics* metrics,
                                                              grpc::CallbackServerContext* context,
                                                              v1::SubmitJobResponse* response) {
  std::shared_ptr<SubmitCall> call(new SubmitCall(parts, metrics, context, response));
  call->self_ = call;
  absl::Status admitted = call->call_.admitted();
  if (admitted.ok() && !parts.entry->streams()->Add(call)) admitted = parts.entry->Refusal();
  if (admitted.ok()) {
    absl::StatusOr<std::string> tenant = parts.Admit(context);
    admitted = tenant.status();
    if (tenant.ok()) call->tenant_ = *std::move(tenant);
  }
  if (!admitted.ok()) {
    call->End(admitted);
  } else {
    call->Read();
  }
  return call.get();
}

void SubmitCall::Read() {
  const std::shared_ptr<SubmitCall> self = shared_from_this();
  absl::Status given_up;
  uint64_t read = 0;
  {
    MutexLock lock(&mutex_);
    given_up = given_up_;
    if (given_up.ok()) {
      read = ++reads_;
      state_ = State::kStarting;
      timer_ = parts_.timers->Schedule(
          std::min(parts_.entry->clock()->Monotonic() + parts_.idle_timeout,
                   call_.begun() + parts_.submission_timeout),
          [weak = weak_from_this(), this] {
            const std::shared_ptr<SubmitCall> alive = weak.lock();
            if (alive != nullptr) GiveUp(TooSlow());
          });
    }
  }
  if (!given_up.ok()) return End(given_up);
  StartRead(&request_);
  {
    MutexLock lock(&mutex_);
    if (state_ != State::kStarting || reads_ != read) return;
    if (given_up_.ok()) {
      state_ = State::kReading;
      return;
    }
    state_ = State::kEnded;
    given_up = given_up_;
  }
  End(given_up);
}

absl::Status SubmitCall::TooSlow() const {
  if (parts_.entry->clock()->Monotonic() < call_.begun() + parts_.submission_timeout) {
    return absl::DeadlineExceededError(
        fmt::format("no message came for {}", absl::FormatDuration(parts_.idle_timeout)));
  }
  return absl::DeadlineExceededError(fmt::format("no seal came for {}, the time for a submission",
                                                 absl::FormatDuration(parts_.submission_timeout)));
}

void SubmitCall::GiveUp(const absl::Status& status) {
  {
    MutexLock lock(&mutex_);
    if (state_ == State::kEnded || !given_up_.ok()) return;
    given_up_ = status;
    if (state_ != State::kReading) return;  // the thread that is busy ends it
    state_ = State::kEnded;
  }
  End(status);
}

void SubmitCall::Stop() { GiveUp(parts_.entry->Refusal()); }

void SubmitCall::OnReadDone(bool ok) {
  TimerQueue::Id timer;
  {
    MutexLock lock(&mutex_);
    if (state_ == State::kEnded) return;
    state_ = State::kHandling;
    timer = std::exchange(timer_, 0);
  }
  if (timer != 0) parts_.timers->Cancel(timer);
  HandleSoon(ok);
}

void SubmitCall::HandleSoon(bool ok) {
  Task task = [self = shared_from_this(), ok] {
    if (!ok) {
      return self->End(absl::InvalidArgumentError(
          "the stream ended without a seal, so that there is no job; after the last step, a "
          "message with `seal` is expected"));
    }
    const absl::StatusOr<bool> is_last = self->Handle();
    self->request_.Clear();
    if (!is_last.ok()) return self->End(is_last.status());
    if (*is_last) return self->End(absl::OkStatus());
    self->Read();
  };
  if (!parts_.submissions->TrySubmit(task)) End(TaskParts::Busy());
}

absl::StatusOr<bool> SubmitCall::Handle() {
  const bool begins = submission_ == nullptr;
  switch (request_.part_case()) {
    case v1::SubmitRequest::kOptions: {
      if (!begins) return absl::InvalidArgumentError("options: they came twice");
      SOUVENIR_ASSIGN_OR_RETURN(JobOptions options, ReadJobOptions(request_.options(), tenant_));
      submission_ = parts_.engine->NewSubmission();
      SOUVENIR_RETURN_IF_ERROR(submission_->Begin(std::move(options)));
      if (!submission_->already_submitted()) return false;
      WriteSubmitted(*parts_.engine, {.job = submission_->job(), .already_submitted = true},
                     response_);
      return true;
    }
    case v1::SubmitRequest::kSteps: {
      if (begins) break;
      const auto count = static_cast<size_t>(request_.steps().steps_size());
      SOUVENIR_RETURN_IF_ERROR(AddSteps(steps_, request_.steps().steps(), submission_.get()));
      steps_ += count;
      return false;
    }
    case v1::SubmitRequest::kSeal: {
      if (begins) break;
      SOUVENIR_ASSIGN_OR_RETURN(const TaskStore::Sealed sealed, submission_->Seal());
      parts_.engine->Accept(sealed);
      WriteSubmitted(*parts_.engine, sealed.begun, response_);
      return true;
    }
    case v1::SubmitRequest::PART_NOT_SET:
      return absl::InvalidArgumentError(
          "a message without a part came; options, steps or seal is expected");
  }
  return absl::InvalidArgumentError("the first message is expected to have the options of the job");
}

void SubmitCall::End(const absl::Status& status) {
  TimerQueue::Id timer;
  {
    MutexLock lock(&mutex_);
    state_ = State::kEnded;
    timer = std::exchange(timer_, 0);
  }
  if (timer != 0) parts_.timers->Cancel(timer);
  submission_ = nullptr;
  call_.LookForCaller(*context_);
  const absl::Status told = WithoutPaths(status, Detail::kKeep);
  (void)call_.Count(told);
  // It takes the time of its caller, and so is never slow.
  call_.Log(call_.Counted(told), absl::ZeroDuration(),
            [this] { return RpcCall::Notes{.trace = TraceOf(*context_)}; });
  call_.Leave();
  Finish(ToGrpcStatus(told));
}

void SubmitCall::OnDone() {
  parts_.entry->streams()->Remove(this);
  const std::shared_ptr<SubmitCall> self = std::move(self_);  // destroyed last
}

}  // namespace souvenir::gateway
