#pragma once

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/grpc/rpc_entry.h"
#include "compute-service/repository/served_model.h"
#include "compute-service/rpc/call_context.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::compute {

// Returns the error of requests to a model whose description is invalid: UNAVAILABLE with the
// reason.
absl::Status BrokenError(const ServedModel& model);

// A request in the queue of its model.
struct QueuedInference {
  std::shared_ptr<ServedModel> model;
  JobId id;
};
using InferenceDone =
    absl::AnyInvocable<void(const ServedModel&, absl::StatusOr<InferenceResult>) &&>;

// Validates `request` and puts it into its model's queue. `done` is called like Job::done, and also
// gets the model that answered; `request` must live until then. Returns an error, and does not call
// `done`, if nothing was queued. INVALID_ARGUMENT carries the digest of the model that refused
// (ModelDigestOf() in common/refusal.h), there as here.
absl::StatusOr<QueuedInference> QueueInference(const CallContext& calls,
                                               const inference::ModelInferRequest& request,
                                               absl::Duration deadline, InferenceDone done);

// The time that a request spent in each stage.
struct InferenceTimes {
  absl::Duration queue;
  absl::Duration compute;

  void Take(const InferenceResult& result) {
    queue = result.queue_time;
    compute = result.compute_time;
  }
};

// Same as RpcCall::End(), but the line of log has the model of `request` and its times. Calls
// `trace` only for a line.
grpc::Status EndInference(const CallContext& calls, RpcCall* call, const absl::Status& status,
                          const inference::ModelInferRequest& request, const InferenceTimes& times,
                          absl::FunctionRef<TraceContext()> trace);

// One ModelInfer call. gRPC owns it from Start() on, and it deletes itself when the call is over.
class InferCall final : public grpc::ServerUnaryReactor {
 public:
  InferCall(const CallContext& calls, grpc::CallbackServerContext* context,
            const inference::ModelInferRequest& request, inference::ModelInferResponse* response);

  void Start();

  void OnCancel() override;
  void OnDone() override { delete this; }

 private:
  absl::Status Queue();
  void Answer(const absl::Status& status);

  const CallContext& calls_;
  grpc::CallbackServerContext* const context_;
  const inference::ModelInferRequest& request_;
  inference::ModelInferResponse* const response_;
  RpcCall call_;
  const absl::Duration deadline_;
  InferenceTimes times_;

  // Set by Start(), before gRPC may call OnCancel(). The answer may be given before that.
  std::shared_ptr<ServedModel> model_;
  std::atomic<JobId> job_{0};
  UnreadAnswers::Answer unread_;
};

}  // namespace souvenir::compute
