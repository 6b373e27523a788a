#include "gateway/rpc/result_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/grpc/call_ending.h"
#include "common/status_detail.h"
#include "common/status_macros.h"
#include "gateway/rpc/task_messages.h"

namespace souvenir::gateway {
namespace {

constexpr size_t kChunkBytes = 256u << 10;

// Returns OK for a step with a result, and why others have none.
absl::Status StatusOf(const StepInfo& step) {
  switch (step.state) {
    case StepState::kSucceeded:
      return absl::OkStatus();
    case StepState::kFailed:
      return step.status;
    case StepState::kSkipped:
      return absl::FailedPreconditionError("the step was skipped, because another step has failed");
    case StepState::kCancelled:
      return absl::CancelledError("the step was cancelled with its job");
    case StepState::kPending:
    case StepState::kScheduled:
    case StepState::kReady:
    case StepState::kRunning:
      break;
  }
  return absl::FailedPreconditionError("the step has not ended; Watch tells when it has");
}

}  // namespace

grpc::ServerWriteReactor<v1::ResultChunk>* ResultCall::Start(const TaskParts& parts,
                                                             RpcMethodMetrics* metrics,
                                                             grpc::CallbackServerContext* context,
                                                             const v1::GetResultRequest& request) {
  std::shared_ptr<ResultCall> call(new ResultCall(parts, metrics, context, request));
  call->self_ = call;
  const absl::Status admitted = call->call_.admitted();
  Task task = [call] {
    const absl::Status read = call->Read();
    if (!read.ok()) return call->End(read);
    call->StartWrite(&call->chunk_);
  };
  if (!admitted.ok()) {
    call->End(admitted);
  } else if (!parts.executor->TrySubmit(task)) {
    call->End(TaskParts::Busy());
  }
  return call.get();
}

absl::Status ResultCall::Read() {
  SOUVENIR_ASSIGN_OR_RETURN(const std::string tenant, parts_.Admit(context_));
  SOUVENIR_ASSIGN_OR_RETURN(const JobInfo job, parts_.engine->FindJob(request_.job_id(), tenant));
  const TaskStore& store = parts_.engine->store();
  StepRef ref{.job = job.number};
  if (request_.step().empty()) {
    SOUVENIR_ASSIGN_OR_RETURN(const std::optional<uint32_t> step, store.ResultStep(job.number));
    if (!step) {
      return absl::FailedPreconditionError(
          "the job has several last steps, and none was named as its result; name a step");
    }
    ref.step = *step;
  } else {
    SOUVENIR_ASSIGN_OR_RETURN(ref.step, store.FindStep(job.number, request_.step()));
  }
  SOUVENIR_ASSIGN_OR_RETURN(const StepInfo step, store.GetStep(ref, /*with_spec=*/false));
  SOUVENIR_RETURN_IF_ERROR(StatusOf(step));
  // Counted before it takes memory.
  unread_ = parts_.entry->unread()->Add(step.result_bytes, EndingOf(context_));
  SOUVENIR_ASSIGN_OR_RETURN(result_, store.ReadResult(ref));
  v1::ResultHeader& header = *chunk_.mutable_header();
  header.set_step(step.id);
  SOUVENIR_RETURN_IF_ERROR(WriteOutputs(result_, /*with_bytes=*/false, header.mutable_outputs()));
  SOUVENIR_ASSIGN_OR_RETURN(outputs_, DecodedTensors::Decode(result_));
  return absl::OkStatus();
}

void ResultCall::OnWriteDone(bool ok) {
  if (!ok) return End(absl::CancelledError("the caller has gone"));
  while (output_ < outputs_.size() && sent_ == outputs_[output_].data.size()) {
    ++output_;
    sent_ = 0;
  }
  if (output_ == outputs_.size()) return End(absl::OkStatus());
  const std::string_view data = outputs_[output_].data.substr(sent_, kChunkBytes);
  sent_ += data.size();
  chunk_.set_data(std::string(data));
  StartWrite(&chunk_);
}

void ResultCall::End(const absl::Status& status) {
  call_.LookForCaller(*context_);
  Finish(call_.End(WithoutPaths(status, Detail::kKeep),
                   [this] { return RpcCall::Notes{.trace = TraceOf(*context_)}; }));
}

void ResultCall::OnDone() {
  const std::shared_ptr<ResultCall> self = std::move(self_);  // destroyed last
}

}  // namespace souvenir::gateway
