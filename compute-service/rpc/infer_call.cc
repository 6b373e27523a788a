#include "compute-service/rpc/infer_call.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/grpc/call_ending.h"
#include "common/oip/valid_inference.h"
#include "common/refusal.h"
#include "common/souvenir_names.h"
#include "common/status_detail.h"
#include "common/status_macros.h"
#include "compute-service/rpc/model_messages.h"
#include "compute-service/rpc/request_scheduling.h"

namespace souvenir::compute {

absl::Status BrokenError(const ServedModel& model) {
  const ServedModel::Status status = model.status();
  return WithDetail(absl::UnavailableError(status.reason), status.detail);
}

namespace {

// Returns `status`, with the digest of the model if it is a refusal.
absl::Status RefusedBy(const ServedModel& model, absl::Status status) {
  if (!absl::IsInvalidArgument(status)) return status;
  return WithModelDigest(std::move(status), model.digest());
}

// Same as QueueInference(). If `may_fall_back` and the model turns out not to load, another version
// answers, if one can be asked by then.
absl::StatusOr<QueuedInference> Queue(const CallContext& calls,
                                      const inference::ModelInferRequest& request,
                                      absl::Duration deadline, std::shared_ptr<InferenceDone> done,
                                      bool may_fall_back);

// Same as above, for the model that was found.
absl::StatusOr<QueuedInference> QueueAt(std::shared_ptr<ServedModel> model,
                                        const CallContext& calls,
                                        const inference::ModelInferRequest& request,
                                        absl::Duration deadline,
                                        std::shared_ptr<InferenceDone> done, bool may_fall_back) {
  SOUVENIR_ASSIGN_OR_RETURN(ValidInference valid, ValidateInference(model->config(), request));
  Job job;
  job.inputs = std::move(valid.inputs);
  job.outputs = OutputsToAnswer(model->config(), request);
  job.rows = valid.rows;
  job.bytes = request.ByteSizeLong();
  SOUVENIR_ASSIGN_OR_RETURN(const RequestScheduling scheduling,
                            ReadScheduling(request, model->settings()));
  job.priority = scheduling.priority;
  job.deadline = std::min(deadline, calls.entry->clock()->Monotonic() + scheduling.timeout);
  job.done = [&calls, &request, deadline, model, tensors = std::move(valid.tensors), done,
              may_fall_back](absl::StatusOr<InferenceResult> result) {
    const bool falls_back =
        may_fall_back && absl::IsUnavailable(result.status()) && !model->can_be_asked();
    if (falls_back && Queue(calls, request, deadline, done, /*may_fall_back=*/false).ok()) return;
    // Drops the detail: a model's own message may have text of the caller, which must not be
    // logged.
    if (!result.ok()) result = RefusedBy(*model, WithoutPaths(result.status(), Detail::kDrop));
    std::move (*done)(*model, std::move(result));
  };
  SOUVENIR_ASSIGN_OR_RETURN(const JobId id, model->Submit(std::move(job)));
  return QueuedInference{std::move(model), id};
}

absl::StatusOr<QueuedInference> Queue(const CallContext& calls,
                                      const inference::ModelInferRequest& request,
                                      absl::Duration deadline, std::shared_ptr<InferenceDone> done,
                                      bool may_fall_back) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::shared_ptr<ServedModel> model,
                            calls.repository->Find(request.model_name(), request.model_version()));
  // A broken model has no digest, and its configuration may have only a name.
  if (model->digest().empty()) return BrokenError(*model);
  absl::StatusOr<QueuedInference> queued =
      QueueAt(model, calls, request, deadline, std::move(done), may_fall_back);
  if (!queued.ok()) return RefusedBy(*model, queued.status());
  return queued;
}

}  // namespace

absl::StatusOr<QueuedInference> QueueInference(const CallContext& calls,
                                               const inference::ModelInferRequest& request,
                                               absl::Duration deadline, InferenceDone done) {
  return Queue(calls, request, deadline, std::make_shared<InferenceDone>(std::move(done)),
               /*may_fall_back=*/request.model_version().empty());
}

grpc::Status EndInference(const CallContext& calls, RpcCall* call, const absl::Status& status,
                          const inference::ModelInferRequest& request, const InferenceTimes& times,
                          absl::FunctionRef<TraceContext()> trace) {
  return call->End(status, [&] {
    RpcCall::Notes notes{.trace = trace()};
    // A name that no model has is text of the caller, which must not be logged.
    if (calls.repository->Find(request.model_name(), "").ok()) {
      notes.fields.emplace_back("model", request.model_name());
    }
    if (status.ok()) {
      notes.fields.emplace_back("queue_ms", Milliseconds(times.queue));
      notes.fields.emplace_back("compute_ms", Milliseconds(times.compute));
    }
    return notes;
  });
}

InferCall::InferCall(const CallContext& calls, grpc::CallbackServerContext* context,
                     const inference::ModelInferRequest& request,
                     inference::ModelInferResponse* response)
    : calls_(calls),
      context_(context),
      request_(request),
      response_(response),
      call_(calls.entry, calls.entry->Method("ModelInfer")),
      deadline_(MonotonicDeadline(*context, *calls.entry->clock())) {}

void InferCall::Start() {
  const absl::Status status = Queue();
  if (!status.ok()) Answer(status);
}

absl::Status InferCall::Queue() {
  SOUVENIR_RETURN_IF_ERROR(call_.admitted());
  SOUVENIR_ASSIGN_OR_RETURN(
      QueuedInference queued,
      QueueInference(calls_, request_, deadline_,
                     [this](const ServedModel& model, absl::StatusOr<InferenceResult> result) {
                       const absl::Status status = result.status();
                       if (status.ok()) {
                         times_.Take(*result);
                         FillInferResponse(model, request_, *std::move(result), response_);
                       }
                       Answer(status);
                     }));
  // The call may be answered already, but it is not over before the handler has returned.
  model_ = std::move(queued.model);
  job_ = queued.id;
  return absl::OkStatus();
}

void InferCall::Answer(const absl::Status& status) {
  // A service that stops gives its calls up, whatever their errors say.
  if (absl::IsUnavailable(status) && !calls_.entry->is_closed()) {
    context_->AddTrailingMetadata(kGoesOnHeader, "true");
  }
  if (const std::string digest = ModelDigestOf(status); !digest.empty()) {
    context_->AddTrailingMetadata(kDigestHeader, digest);
  }
  // gRPC keeps the request as long as the response.
  const size_t bytes = request_.ByteSizeLong() + (status.ok() ? response_->ByteSizeLong() : 0);
  if (bytes > UnreadAnswers::kSmallBytes) {
    unread_ = calls_.entry->unread()->Add(bytes, EndingOf(context_));
  }
  Finish(EndInference(calls_, &call_, status, request_, times_,
                      [this] { return TraceOf(*context_); }));
}

void InferCall::OnCancel() {
  const absl::Status gone = call_.CallerHasGone(deadline_);
  if (const JobId job = job_; job != 0) model_->Cancel(job, gone.code());
}

}  // namespace souvenir::compute
