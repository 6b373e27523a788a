#include "gateway/rpc/stream_translate_call.h"

#include <utility>

#include "common/grpc/status.h"
#include "common/status_macros.h"
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
    const absl::Status gone = CallerGone(timer_, *call, *parts_.clock);
    {
      MutexLock lock(&mutex_);
      gone_ = gone;
    }
    parts_.resolver->Cancel(call, gone);
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
    EndRequest(timer_, *call, counted, parts_);
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
    reactor->Fail(*call, ready);
    return reactor;
  }
  const absl::Time now = parts.clock->Now();
  const auto& items = call->plan_.translations;
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].target != nullptr) {
      call->item_of_question_.push_back(i);
      continue;
    }
    reactor->Write(TranslationWriter(items[i], nullptr, now));
  }
  reactor->Watch(call, std::move(pass));
  parts.resolver->Resolve(call);
  return reactor;
}

absl::Status StreamTranslateCall::Read(const grpc::ByteBuffer& bytes, const CallParts& parts,
                                       const Translator& translator,
                                       const grpc::CallbackServerContext& context) {
  v1::TranslateRequest request;
  SOUVENIR_RETURN_IF_ERROR(ParseMessage(bytes, parts.max_message_bytes, &request));
  CallOptions read;
  SOUVENIR_RETURN_IF_ERROR(
      ReadCallOptions(context, parts.trust_tenant_header, *parts.clock, &read));
  const absl::Status planned = PlanTranslation(request, read, translator, &plan_, &questions);
  options = std::move(read.resolve);
  return planned;
}

void StreamTranslateCall::OnAnswered(size_t question) {
  reactor_->Write(TranslationWriter(plan_.translations[item_of_question_[question]],
                                    &answer(question), reactor_->parts().clock->Now()));
}

void StreamTranslateCall::OnAllAnswered() { reactor_->End(OverallStatus(*this, plan_)); }

}  // namespace souvenir::gateway
