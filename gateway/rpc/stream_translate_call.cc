#include "gateway/rpc/stream_translate_call.h"

#include <utility>

#include "common/status_macros.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/message_writer.h"
#include "gateway/rpc/raw_message.h"
#include "gateway/rpc/resolved_request.h"

namespace souvenir::gateway {

// Writes one translation after another; gRPC takes one write at a time.
class StreamTranslateCall::Reactor final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  Reactor(const CallParts& parts, RpcMethodMetrics* metrics)
      : parts_(parts), call_(parts.entry, metrics) {}

  const CallParts& parts() const { return parts_; }

  // Same as RpcCall::admitted().
  absl::Status admitted() const { return call_.admitted(); }

  // Returns the ResolveCall for the resolver; the pointer keeps `call` alive.
  static ResolveCallPtr Shared(const std::shared_ptr<StreamTranslateCall>& call) {
    return {call, &call->translation_.call()};
  }

  // Ends a call that has not begun to resolve.
  void Fail(const ResolveCall& resolved, const absl::Status& status) {
    call_.CountAnswers(status.code());
    Finish(EndResolved(&call_, resolved, status, parts_));
  }

  // Cancels `translate` from now on if the caller goes.
  void Watch(std::shared_ptr<StreamTranslateCall> translate) {
    MutexLock lock(&mutex_);
    translate_ = std::move(translate);
  }

  void Write(const TranslationWriter& translation) {
    call_.CountAnswers(translation.status().code());
    grpc::ByteBuffer bytes;
    MessageWriter::WriteTo(&bytes, [&](MessageWriter& out) { translation.Write(out); });
    {
      MutexLock lock(&mutex_);
      queue_.push_back(bytes);
      if (std::exchange(writing_, true)) return;
    }
    StartWrite(&queue_front());
  }

  // Ends the RPC after the writes that are queued. Write() must not be called afterwards.
  void End(const absl::Status& status) {
    {
      MutexLock lock(&mutex_);
      ended_ = true;
      status_ = status;
      if (writing_) return;
    }
    FinishNow();
  }

  void OnWriteDone(bool ok) override {
    bool ended = false;
    {
      MutexLock lock(&mutex_);
      queue_.pop_front();
      if (!ok) queue_.clear();  // the caller has gone
      writing_ = !queue_.empty();
      ended = ended_ && !writing_;
      if (!writing_ && !ended) return;
    }
    if (ended) return FinishNow();
    StartWrite(&queue_front());
  }

  void OnCancel() override {
    std::shared_ptr<StreamTranslateCall> translate;
    {
      MutexLock lock(&mutex_);
      translate = translate_;
    }
    if (translate == nullptr) return;
    const absl::Duration deadline = translate->translation_.call().options.deadline;
    parts_.resolver->Cancel(Shared(translate), call_.CallerHasGone(deadline));
  }

  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer& queue_front() {
    // The reference stays valid: a deque does not move elements, and only OnWriteDone() removes
    // this one.
    MutexLock lock(&mutex_);
    return queue_.front();
  }

  void FinishNow() {
    absl::Status status;
    std::shared_ptr<StreamTranslateCall> translate;  // released outside the lock
    {
      MutexLock lock(&mutex_);
      status = status_;
      translate = std::move(translate_);
    }
    Finish(EndResolved(&call_, translate->translation_.call(), status, parts_));
  }

  const CallParts parts_;
  RpcCall call_;

  Mutex mutex_;
  std::shared_ptr<StreamTranslateCall> translate_ ABSL_GUARDED_BY(mutex_);
  std::deque<grpc::ByteBuffer> queue_ ABSL_GUARDED_BY(mutex_);  // the first is being written
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamTranslateCall::Start(
    const CallParts& parts, Translator* translator, RpcMethodMetrics* metrics,
    grpc::CallbackServerContext* context, const grpc::ByteBuffer& bytes) {
  auto* const reactor = new Reactor(parts, metrics);
  const std::shared_ptr<StreamTranslateCall> call(new StreamTranslateCall(reactor));
  // The request is read first: the log of a refused call has its trace.
  absl::Status ready = call->Read(bytes, parts, *translator, *context);
  const absl::Status admitted = reactor->admitted();
  if (!admitted.ok()) ready = admitted;
  if (!ready.ok()) {
    reactor->Fail(call->translation_.call(), ready);
    return reactor;
  }
  for (size_t item = 0; item < call->translation_.size(); ++item) {
    if (!call->translation_.IsAsked(item)) call->Write(item);
  }
  reactor->Watch(call);
  parts.resolver->Resolve(Reactor::Shared(call));
  return reactor;
}

absl::Status StreamTranslateCall::Read(const grpc::ByteBuffer& bytes, const CallParts& parts,
                                       const Translator& translator,
                                       const grpc::CallbackServerContext& context) {
  v1::TranslateRequest message;
  SOUVENIR_RETURN_IF_ERROR(ParseMessage(bytes, parts.max_message_bytes, &message));
  CallOptions options;
  SOUVENIR_RETURN_IF_ERROR(
      ReadCallOptions(context, parts.trust_tenant_header, *parts.clock(), &options));
  translation_.call().options = std::move(options.resolve);
  SOUVENIR_ASSIGN_OR_RETURN(const TranslationRequest request, ReadTranslateRequest(message));
  return translation_.Plan(request, options.tenant, translator);
}

void StreamTranslateCall::OnAnswered(size_t question) { Write(translation_.ItemOf(question)); }

void StreamTranslateCall::Write(size_t item) {
  reactor_->Write(TranslationWriter(translation_.result(item, reactor_->parts().clock()->Now())));
}

void StreamTranslateCall::OnAllAnswered() { reactor_->End(translation_.OverallStatus()); }

}  // namespace souvenir::gateway
