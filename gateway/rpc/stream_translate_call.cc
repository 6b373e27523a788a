#include "gateway/rpc/stream_translate_call.h"

#include <utility>

#include "common/grpc/status.h"
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
      : parts_(parts), timer_(metrics, parts.clock) {}

  const CallParts& parts() const { return parts_; }

  // Returns the call for the resolver, which keeps the whole of it.
  static ResolveCallPtr Shared(const std::shared_ptr<StreamTranslateCall>& call) {
    return {call, &call->translation_.call()};
  }

  // Ends a call that has not begun to resolve.
  void Fail(const ResolveCall& call, const absl::Status& status) {
    timer_.CountAnswers(status.code());
    EndRequest(timer_, call, status, parts_);
    Finish(ToGrpcStatus(status));
  }

  // The call is on its way; from now on a caller that leaves is noticed.
  void Watch(std::shared_ptr<StreamTranslateCall> call, std::optional<Gate::Pass> pass) {
    MutexLock lock(&mutex_);
    call_ = std::move(call);
    pass_ = std::move(pass);
  }

  void Write(const TranslationWriter& translation) {
    timer_.CountAnswers(translation.status().code());
    grpc::ByteBuffer bytes;
    MessageWriter::WriteTo(&bytes, [&](MessageWriter& out) { translation.Write(out); });
    {
      MutexLock lock(&mutex_);
      queue_.push_back(bytes);
      if (std::exchange(writing_, true)) return;
    }
    StartWrite(&queue_front());
  }

  // No more will be written.
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
      if (!ok) queue_.clear();  // nobody listens any more
      writing_ = !queue_.empty();
      ended = ended_ && !writing_;
      if (!writing_ && !ended) return;
    }
    if (ended) return FinishNow();
    StartWrite(&queue_front());
  }

  void OnCancel() override {
    std::shared_ptr<StreamTranslateCall> call;
    {
      MutexLock lock(&mutex_);
      call = call_;
    }
    if (call == nullptr) return;
    const absl::Status gone = CallerGone(timer_, call->translation_.call(), *parts_.clock);
    {
      MutexLock lock(&mutex_);
      gone_ = gone;
    }
    parts_.resolver->Cancel(Shared(call), gone);
  }

  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer& queue_front() {
    // A deque's elements stay where they are; only OnWriteDone() takes this one away.
    MutexLock lock(&mutex_);
    return queue_.front();
  }

  void FinishNow() {
    absl::Status status;
    absl::Status counted;
    std::shared_ptr<StreamTranslateCall> call;  // let go of outside the lock
    std::optional<Gate::Pass> pass;
    {
      MutexLock lock(&mutex_);
      status = status_;
      counted = gone_.ok() ? status_ : gone_;
      call = std::move(call_);
      pass = std::move(pass_);
    }
    EndRequest(timer_, call->translation_.call(), counted, parts_);
    Finish(ToGrpcStatus(status));
  }

  const CallParts parts_;
  const RpcTimer timer_;

  Mutex mutex_;
  std::shared_ptr<StreamTranslateCall> call_ ABSL_GUARDED_BY(mutex_);
  std::optional<Gate::Pass> pass_ ABSL_GUARDED_BY(mutex_);
  std::deque<grpc::ByteBuffer> queue_ ABSL_GUARDED_BY(mutex_);  // the first is being written
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  absl::Status gone_ ABSL_GUARDED_BY(mutex_);  // an error: how the caller has gone
};

grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamTranslateCall::Start(
    const CallParts& parts, Translator* translator, RpcMethodMetrics* metrics,
    grpc::CallbackServerContext* context, const grpc::ByteBuffer& bytes) {
  auto* const reactor = new Reactor(parts, metrics);
  const std::shared_ptr<StreamTranslateCall> call(new StreamTranslateCall(reactor));
  std::optional<Gate::Pass> pass = parts.gate->Enter();
  absl::Status ready = call->Read(bytes, parts, *translator, *context);
  if (!pass) ready = absl::UnavailableError("the gateway is stopping");
  if (!ready.ok()) {
    reactor->Fail(call->translation_.call(), ready);
    return reactor;
  }
  for (size_t item = 0; item < call->translation_.size(); ++item) {
    if (!call->translation_.IsAsked(item)) call->Write(item);
  }
  reactor->Watch(call, std::move(pass));
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
      ReadCallOptions(context, parts.trust_tenant_header, *parts.clock, &options));
  translation_.call().options = std::move(options.resolve);
  SOUVENIR_ASSIGN_OR_RETURN(const TranslationRequest request, ReadTranslateRequest(message));
  return translation_.Plan(request, options.tenant, translator);
}

void StreamTranslateCall::OnAnswered(size_t question) { Write(translation_.ItemOf(question)); }

void StreamTranslateCall::Write(size_t item) {
  reactor_->Write(TranslationWriter(translation_.result(item, reactor_->parts().clock->Now())));
}

void StreamTranslateCall::OnAllAnswered() { reactor_->End(translation_.OverallStatus()); }

}  // namespace souvenir::gateway
