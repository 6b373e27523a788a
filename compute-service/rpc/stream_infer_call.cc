#include "compute-service/rpc/stream_infer_call.h"

#include <utility>

#include "common/grpc/call_ending.h"
#include "compute-service/rpc/infer_call.h"
#include "compute-service/rpc/model_messages.h"

namespace souvenir::compute {

// A request of the stream. It lives until its answer.
struct StreamInferCall::Request {
  Request(std::shared_ptr<StreamInferCall> stream, uint64_t number,
          inference::ModelInferRequest* from)
      : stream(std::move(stream)),
        number(number),
        call(this->stream->calls_.entry, this->stream->metrics_) {
    message.Swap(from);
  }

  void Answer(const absl::Status& status, inference::ModelStreamInferResponse response) {
    const grpc::Status answer = EndInference(stream->calls_, &call, status, message, times,
                                             [this] { return stream->trace_; });
    if (!answer.ok()) {
      response.set_error_message(answer.error_message());
      response.mutable_infer_response()->set_id(message.id());
    }
    UnreadAnswers::Answer counted =
        stream->calls_.entry->unread()->Add(response.ByteSizeLong(), stream->ending_);
    stream->RequestStream::Answer(number, std::move(response), std::move(counted));
  }

  const std::shared_ptr<StreamInferCall> stream;
  const uint64_t number;
  RpcCall call;
  inference::ModelInferRequest message;
  InferenceTimes times;
};

StreamInferCall::StreamInferCall(const CallContext& calls, grpc::CallbackServerContext* context)
    : RequestStream(calls.entry->streams(), static_cast<size_t>(calls.stream_limit),
                    calls.entry->Refusal()),
      calls_(calls),
      metrics_(calls.entry->Method("ModelStreamInfer")),
      patience_{calls.entry->clock()->Monotonic(),
                MonotonicDeadline(*context, *calls.entry->clock())},
      trace_(TraceOf(*context)),
      ending_(EndingOf(context)) {}

StreamInferCall::Reactor* StreamInferCall::Start(const CallContext& calls,
                                                 grpc::CallbackServerContext* context) {
  const std::shared_ptr<StreamInferCall> stream(new StreamInferCall(calls, context));
  stream->Begin(absl::OkStatus());
  return stream.get();
}

void StreamInferCall::Handle(uint64_t number, inference::ModelInferRequest* message) {
  const auto request = std::make_shared<Request>(
      std::static_pointer_cast<StreamInferCall>(shared_from_this()), number, message);
  const absl::Status admitted = request->call.admitted();
  if (!admitted.ok()) return request->Answer(admitted, {});
  const absl::StatusOr<QueuedInference> queued =
      QueueInference(calls_, request->message, patience_.deadline,
                     [request](const ServedModel& model, absl::StatusOr<InferenceResult> result) {
                       const absl::Status status = result.status();
                       inference::ModelStreamInferResponse response;
                       if (status.ok()) {
                         request->times.Take(*result);
                         FillInferResponse(model, request->message, *std::move(result),
                                           response.mutable_infer_response());
                       }
                       request->Answer(status, std::move(response));
                     });
  if (!queued.ok()) return request->Answer(queued.status(), {});
  WhenAbandoned(number, [queued = *queued, request, patience = patience_] {
    queued.model->Cancel(queued.id, request->call.CallerHasGone(patience).code());
  });
}

}  // namespace souvenir::compute
