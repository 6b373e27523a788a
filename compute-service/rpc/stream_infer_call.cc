#include "compute-service/rpc/stream_infer_call.h"

#include <atomic>
#include <optional>
#include <utility>

#include "common/gate.h"
#include "common/grpc/status.h"
#include "compute-service/rpc/infer_call.h"
#include "compute-service/rpc/model_messages.h"

namespace souvenir::compute {
namespace {

absl::Status Stopping() { return absl::UnavailableError("the server is stopping"); }

}  // namespace

// A request on its way, and what answers it.
struct StreamInferCall::Flight {
  Flight(std::shared_ptr<StreamInferCall> stream, uint64_t number,
         inference::ModelInferRequest* message)
      : stream(std::move(stream)),
        number(number),
        timer(this->stream->metrics_, this->stream->calls_.clock),
        pass(this->stream->calls_.gate->Enter()) {
    request.Swap(message);
  }

  void Answer(const absl::Status& status, inference::ModelStreamInferResponse response) {
    const grpc::Status answer = ToGrpcStatus(status);
    if (!answer.ok()) {
      response.set_error_message(answer.error_message());
      response.mutable_infer_response()->set_id(request.id());
    }
    const absl::StatusCode gone = this->gone;
    EndInference(stream->calls_, timer,
                 gone == absl::StatusCode::kOk ? status : absl::Status(gone, ""), request, times,
                 [this] { return stream->trace_; });
    pass.reset();
    stream->RequestStream::Answer(number, std::move(response));
  }

  const std::shared_ptr<StreamInferCall> stream;
  const uint64_t number;
  const RpcTimer timer;
  std::optional<Gate::Pass> pass;
  inference::ModelInferRequest request;
  InferenceTimes times;
  std::atomic<absl::StatusCode> gone{absl::StatusCode::kOk};  // how the caller has gone, if it has
};

StreamInferCall::StreamInferCall(const CallContext& calls, OpenStreams* streams,
                                 const grpc::CallbackServerContext& context)
    : RequestStream(streams, static_cast<size_t>(calls.stream_limit), Stopping()),
      calls_(calls),
      metrics_(calls.metrics->Method("ModelStreamInfer")),
      begun_(calls.clock->Monotonic()),
      deadline_(MonotonicDeadline(context, *calls.clock)),
      trace_(TraceOf(context)) {}

StreamInferCall::Reactor* StreamInferCall::Start(const CallContext& calls, OpenStreams* streams,
                                                 const grpc::CallbackServerContext& context) {
  const std::shared_ptr<StreamInferCall> stream(new StreamInferCall(calls, streams, context));
  stream->Begin(absl::OkStatus());
  return stream.get();
}

void StreamInferCall::Handle(uint64_t number, inference::ModelInferRequest* request) {
  const auto flight = std::make_shared<Flight>(
      std::static_pointer_cast<StreamInferCall>(shared_from_this()), number, request);
  if (!flight->pass) return flight->Answer(Stopping(), {});
  const absl::StatusOr<QueuedInference> queued =
      QueueInference(calls_, flight->request, deadline_,
                     [flight](const ServedModel& model, absl::StatusOr<InferenceResult> result) {
                       const absl::Status status = result.status();
                       inference::ModelStreamInferResponse response;
                       if (status.ok()) {
                         flight->times.Take(*result);
                         FillInferResponse(model, flight->request, *std::move(result),
                                           response.mutable_infer_response());
                       }
                       flight->Answer(status, std::move(response));
                     });
  if (!queued.ok()) return flight->Answer(queued.status(), {});
  OnAbandoned(number, [queued = *queued, flight, clock = calls_.clock, begun = begun_,
                       deadline = deadline_] {
    const absl::StatusCode gone = CallerGone({begun, deadline}, clock->Monotonic()).code();
    flight->gone = gone;
    queued.model->Cancel(queued.id, gone);
  });
}

}  // namespace souvenir::compute
