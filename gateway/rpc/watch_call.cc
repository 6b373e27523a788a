#include "gateway/rpc/watch_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/grpc/call_ending.h"
#include "common/grpc/proto_time.h"
#include "common/grpc/status.h"
#include "common/status_detail.h"
#include "common/status_macros.h"
#include "gateway/rpc/task_messages.h"

namespace souvenir::gateway {
namespace {

// Events that are read at once, and wait to be sent.
constexpr size_t kMostEvents = 64;
// Their size, but for the last.
constexpr uint64_t kMostPageBytes = 1u << 20;
constexpr uint64_t kMostResultBytes = 1u << 20;

absl::Status CheckRequest(const v1::WatchRequest& request) {
  if (!v1::WatchOrder_IsValid(request.order())) {
    return absl::InvalidArgumentError(fmt::format(
        "order: {} came; COMPLETION or SUBMISSION is expected", static_cast<int>(request.order())));
  }
  if (request.max_result_bytes() <= kMostResultBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("max_result_bytes: {} came; {} is the most, and GetResult sends larger ones",
                  request.max_result_bytes(), kMostResultBytes));
}

}  // namespace

grpc::ServerWriteReactor<v1::JobEvent>* WatchCall::Start(const TaskParts& parts,
                                                         RpcMethodMetrics* metrics,
                                                         grpc::CallbackServerContext* context,
                                                         const v1::WatchRequest& request) {
  std::shared_ptr<WatchCall> call(new WatchCall(parts, metrics, context, request));
  call->self_ = call;
  absl::Status admitted = call->call_.admitted();
  if (admitted.ok()) admitted = CheckRequest(request);
  if (admitted.ok() && !parts.entry->streams()->Add(call)) admitted = parts.entry->Refusal();
  if (admitted.ok()) {
    call->ReadSoon();
  } else {
    call->End(admitted);
  }
  return call.get();
}

absl::Status WatchCall::Open() {
  SOUVENIR_ASSIGN_OR_RETURN(const std::string tenant, parts_.Admit(context_));
  SOUVENIR_ASSIGN_OR_RETURN(const JobInfo job, parts_.engine->FindJob(request_.job_id(), tenant));
  job_ = job.number;
  next_ = std::max<uint64_t>(request_.from_sequence(), 1);
  // Added before the first look, so that no news is missed.
  watcher_ = parts_.engine->watchers()->Add(job_, [weak = weak_from_this()] {
    const std::shared_ptr<WatchCall> alive = weak.lock();
    if (alive != nullptr) alive->OnNews();
  });
  return absl::OkStatus();
}

void WatchCall::OnNews() {
  {
    MutexLock lock(&mutex_);
    has_news_ = true;
    if (state_ != State::kWaiting) return;
    state_ = State::kBusy;
  }
  ReadSoon();
}

void WatchCall::GiveUp(const absl::Status& status) {
  {
    MutexLock lock(&mutex_);
    if (!given_up_.ok() || state_ == State::kEnded) return;
    given_up_ = status;
    if (state_ != State::kWaiting) return;  // the thread that is busy ends it
    state_ = State::kBusy;
  }
  End(status);
}

void WatchCall::OnCancel() {
  GiveUp(call_.CallerHasGone(MonotonicDeadline(*context_, *parts_.entry->clock())));
}

void WatchCall::Stop() { GiveUp(parts_.entry->Refusal()); }

void WatchCall::ReadSoon() {
  Task task = [self = shared_from_this()] { self->ReadEvents(); };
  if (!parts_.executor->TrySubmit(task)) End(TaskParts::Busy());
}

void WatchCall::ReadEvents() {
  if (watcher_ == 0) {
    const absl::Status opened = Open();
    if (!opened.ok()) return End(opened);
  }
  for (;;) {
    {
      MutexLock lock(&mutex_);
      has_news_ = false;
    }
    const absl::StatusOr<bool> has_last = Collect();
    if (!has_last.ok()) return End(has_last.status());
    has_last_ = *has_last;
    unread_ = page_bytes_ > UnreadAnswers::kSmallBytes
                  ? parts_.entry->unread()->Add(page_bytes_, EndingOf(context_))
                  : UnreadAnswers::Answer();
    absl::Status given_up;
    {
      MutexLock lock(&mutex_);
      given_up = given_up_;
      if (given_up.ok() && events_.empty() && !has_last_) {
        if (has_news_) continue;
        state_ = State::kWaiting;
        return;
      }
    }
    if (!given_up.ok()) return End(given_up);
    if (events_.empty()) return End(absl::OkStatus());
    return StartWrite(&events_.front());
  }
}

void WatchCall::OnWriteDone(bool ok) {
  absl::Status given_up;
  {
    MutexLock lock(&mutex_);
    given_up = given_up_;
  }
  events_.pop_front();
  if (!given_up.ok()) return End(given_up);
  if (!ok) return End(absl::CancelledError("the caller has gone"));
  if (!events_.empty()) return StartWrite(&events_.front());
  if (has_last_) return End(absl::OkStatus());
  ReadSoon();
}

bool WatchCall::IsPageFull() const {
  return events_.size() >= kMostEvents || page_bytes_ >= kMostPageBytes;
}

absl::StatusOr<bool> WatchCall::Collect() {
  page_bytes_ = 0;
  return request_.order() == v1::WATCH_ORDER_SUBMISSION ? CollectBySubmission()
                                                        : CollectByCompletion();
}

absl::StatusOr<bool> WatchCall::CollectByCompletion() {
  const TaskStore& store = parts_.engine->store();
  SOUVENIR_ASSIGN_OR_RETURN(const std::vector<TaskEvent> events,
                            store.ReadEvents(job_, next_, kMostEvents));
  SOUVENIR_ASSIGN_OR_RETURN(const JobInfo job, store.GetJob(job_));
  for (const TaskEvent& event : events) {
    if (IsPageFull()) break;
    next_ = event.sequence + 1;
    if (event.job_ended) {
      // Steps ran again after this end of the job, and it ends anew.
      if (job.state == JobState::kRunning || next_ < job.next_event) continue;
      AddJob(job, event.sequence);
      ToProto(event.time, events_.back().mutable_time());
    } else {
      SOUVENIR_RETURN_IF_ERROR(AddStep(event, event.sequence));
    }
  }
  // The job was read after its events. If it has ended and they are all read, no more will come.
  return job.state != JobState::kRunning && next_ >= job.next_event;
}

absl::StatusOr<bool> WatchCall::CollectBySubmission() {
  const TaskStore& store = parts_.engine->store();
  SOUVENIR_ASSIGN_OR_RETURN(const JobInfo job, store.GetJob(job_));
  while (next_ <= job.steps.total && !IsPageFull()) {
    const auto number = static_cast<uint32_t>(next_ - 1);
    SOUVENIR_ASSIGN_OR_RETURN(const StepInfo step, store.GetStep({job_, number}, false));
    if (!HasEnded(step.state)) return false;
    TaskEvent event{.step = number,
                    .state = step.state,
                    .attempts = step.attempts,
                    .time = step.ended,
                    .result_bytes = step.result_bytes,
                    .rows = step.rows,
                    .remembered_rows = step.remembered_rows};
    if (step.state == StepState::kFailed) event.status = step.status;
    SOUVENIR_RETURN_IF_ERROR(AddStep(event, next_++));
  }
  if (next_ <= job.steps.total || job.state == JobState::kRunning) return false;
  if (next_ == job.steps.total + 1) {
    AddJob(job, next_++);
    ToProto(job.ended, events_.back().mutable_time());
  }
  return true;
}

absl::Status WatchCall::AddStep(const TaskEvent& event, uint64_t sequence) {
  const TaskStore& store = parts_.engine->store();
  const StepRef ref{job_, event.step};
  SOUVENIR_ASSIGN_OR_RETURN(const StepInfo step, store.GetStep(ref, false));
  v1::JobEvent& out = events_.emplace_back();
  out.set_sequence(sequence);
  ToProto(event.time, out.mutable_time());
  WriteStepEnded(event, step.id, out.mutable_step());
  page_bytes_ += out.ByteSizeLong();
  if (event.state != StepState::kSucceeded || event.result_bytes > request_.max_result_bytes() ||
      request_.max_result_bytes() == 0) {
    return absl::OkStatus();
  }
  SOUVENIR_ASSIGN_OR_RETURN(const std::string result, store.ReadResult(ref));
  page_bytes_ += result.size();
  return WriteOutputs(result, /*with_bytes=*/true, out.mutable_step()->mutable_outputs());
}

void WatchCall::AddJob(const JobInfo& job, uint64_t sequence) {
  v1::JobEvent& out = events_.emplace_back();
  out.set_sequence(sequence);
  WriteJob(job, parts_.engine->store(), out.mutable_job());
}

void WatchCall::End(const absl::Status& status) {
  {
    MutexLock lock(&mutex_);
    state_ = State::kEnded;
  }
  if (watcher_ != 0) parts_.engine->watchers()->Remove(job_, watcher_);
  const absl::Status told = WithoutPaths(status, Detail::kKeep);
  (void)call_.Count(told);
  // It takes the time of its job, and so is never slow.
  call_.Log(call_.Counted(told), absl::ZeroDuration(),
            [this] { return RpcCall::Notes{.trace = TraceOf(*context_)}; });
  call_.Leave();
  Finish(ToGrpcStatus(told));
}

void WatchCall::OnDone() {
  parts_.entry->streams()->Remove(this);
  const std::shared_ptr<WatchCall> self = std::move(self_);  // destroyed last
}

}  // namespace souvenir::gateway
