#include "gateway/rpc/stream_infer_call.h"

#include <memory>
#include <string>
#include <utility>

#include "common/grpc/call_ending.h"
#include "common/grpc/status.h"
#include "gateway/rpc/infer_messages.h"
#include "gateway/rpc/resolved_request.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::gateway {

class StreamInferCall::Request final : private ResolveCall::Listener {
 public:
  Request(std::shared_ptr<StreamInferCall> stream, uint64_t number)
      : stream_(std::move(stream)),
        number_(number),
        call_(stream_->service_.calls.entry, stream_->service_.metrics) {}

  // Makes the questions. Returns an error if the request cannot be resolved.
  absl::Status Read(const grpc::ByteBuffer& bytes) {
    const absl::Status parsed = messages_.Parse(bytes, stream_->service_.calls.max_message_bytes);
    if (!parsed.ok()) return parsed;
    const absl::Status admitted = call_.admitted();
    if (!admitted.ok()) return admitted;
    return messages_.Ask(stream_->options_, *stream_->service_.catalog, *stream_->service_.targets,
                         &resolving_);
  }

  // Returns the call for the resolver; the pointer keeps `request` alive.
  static ResolveCallPtr Shared(const std::shared_ptr<Request>& request) {
    return {request, &request->resolving_};
  }

  // Notes that the caller has gone, and returns how.
  absl::Status CallerHasGone(const CallerPatience& patience) {
    return call_.CallerHasGone(patience);
  }

  void Fail(const absl::Status& status) {
    const grpc::Status failed = ToGrpcStatus(status);
    grpc::ByteBuffer answer;
    MessageWriter::WriteTo(&answer, [&](MessageWriter& out) {
      using inference::ModelStreamInferResponse;
      out.Field(ModelStreamInferResponse::kErrorMessageFieldNumber,
                std::string_view(failed.error_message()));
      out.Message(ModelStreamInferResponse::kInferResponseFieldNumber, [&](MessageWriter& out) {
        out.Field(inference::ModelInferResponse::kIdFieldNumber, messages_.id());
      });
    });
    End(status, std::move(answer));
  }

 private:
  void OnAllAnswered() override {
    const absl::Status joined = messages_.Join(resolving_);
    if (!joined.ok()) return Fail(joined);
    grpc::ByteBuffer answer;
    MessageWriter::WriteTo(&answer, [&](MessageWriter& out) {
      out.Message(inference::ModelStreamInferResponse::kInferResponseFieldNumber,
                  [&](MessageWriter& out) { messages_.Write(resolving_, out); });
    });
    End(absl::OkStatus(), std::move(answer));
  }

  void End(const absl::Status& status, grpc::ByteBuffer answer) {
    // Releases the stream now. This object may live longer, because a computation for other calls
    // uses its questions.
    const std::shared_ptr<StreamInferCall> stream = std::move(stream_);
    call_.CountAnswers(status.code());
    (void)EndResolved(&call_, resolving_.options.trace, {&resolving_}, status,
                      stream->service_.calls);
    UnreadAnswers* const unread = stream->service_.calls.entry->unread();
    UnreadAnswers::Answer counted = unread->Add(answer.Length(), stream->ending_);
    stream->Answer(number_, std::move(answer), std::move(counted));
  }

  std::shared_ptr<StreamInferCall> stream_;
  const uint64_t number_;
  RpcCall call_;
  InferMessages messages_;
  ResolveCall resolving_{this};  // its questions are views of the messages
};

StreamInferCall::StreamInferCall(const Service& service, grpc::CallbackServerContext* context)
    : RequestStream(service.calls.entry->streams(), service.limit, service.calls.entry->Refusal()),
      service_(service),
      begun_(service.calls.clock()->Monotonic()),
      ending_(EndingOf(context)) {}

StreamInferCall::Reactor* StreamInferCall::Start(const Service& service,
                                                 grpc::CallbackServerContext* context) {
  const std::shared_ptr<StreamInferCall> stream(new StreamInferCall(service, context));
  const absl::Status read = ReadCallOptions(service.calls.trust_tenant_header,
                                            *service.calls.clock(), context, &stream->options_);
  if (!read.ok()) {
    RpcCall refused(service.calls.entry, service.metrics);
    refused.CountAnswers(read.code());
    (void)refused.End(read,
                      [&] { return RpcCall::Notes{.trace = stream->options_.resolve.trace}; });
  }
  stream->Begin(read);
  return stream.get();
}

void StreamInferCall::Handle(uint64_t number, grpc::ByteBuffer* bytes) {
  const auto request = std::make_shared<Request>(
      std::static_pointer_cast<StreamInferCall>(shared_from_this()), number);
  const absl::Status read = request->Read(*bytes);
  if (!read.ok()) return request->Fail(read);
  service_.calls.resolver->Resolve(Request::Shared(request));
  // The deadline of a request is that of the stream.
  WhenAbandoned(number, [resolver = service_.calls.resolver, request,
                         patience = CallerPatience{begun_, options_.resolve.deadline}] {
    resolver->Cancel(Request::Shared(request), request->CallerHasGone(patience));
  });
}

}  // namespace souvenir::gateway
