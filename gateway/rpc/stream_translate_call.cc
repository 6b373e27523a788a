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
  void Fail(const absl::Status& status) {
    const grpc::Status failed = ToGrpcStatus(status);
    timer_.End(failed);
    Finish(failed);
  }

  // The call is on its way; from now on a caller that leaves is noticed.
  void Watch(std::shared_ptr<StreamTranslateCall> call, std::optional<Gate::Pass> pass) {
    MutexLock lock(&mutex_);
    call_ = std::move(call);
    pass_ = std::move(pass);
  }

  void Write(const TranslationWriter& translation) {
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
    if (call != nullptr) parts_.resolver->Cancel(call, absl::CancelledError("the caller has gone"));
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
    std::shared_ptr<StreamTranslateCall> call;  // let go of outside the lock
    std::optional<Gate::Pass> pass;
    {
      MutexLock lock(&mutex_);
      status = status_;
      call = std::move(call_);
      pass = std::move(pass_);
    }
    const grpc::Status ended = ToGrpcStatus(status);
    EndRequest(timer_, *call, ended.error_code(), parts_);
    Finish(ended);
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
};

grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamTranslateCall::Start(
    const CallParts& parts, Translator* translator, RpcMethodMetrics* metrics,
    grpc::CallbackServerContext* context, const grpc::ByteBuffer& bytes) {
  auto* const reactor = new Reactor(parts, metrics);
  std::optional<Gate::Pass> pass = parts.gate->Enter();
  if (!pass) {
    reactor->Fail(absl::UnavailableError("the gateway is stopping"));
    return reactor;
  }
  const std::shared_ptr<StreamTranslateCall> call(new StreamTranslateCall(reactor));
  if (const absl::Status read = call->Read(bytes, parts, *translator, *context); !read.ok()) {
    reactor->Fail(read);
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
  SOUVENIR_RETURN_IF_ERROR(PlanTranslation(request, read, translator, &plan_, &questions));
  options = std::move(read.resolve);
  return absl::OkStatus();
}

void StreamTranslateCall::OnAnswered(size_t question) {
  reactor_->Write(TranslationWriter(plan_.translations[item_of_question_[question]],
                                    &answer(question), reactor_->parts().clock->Now()));
}

void StreamTranslateCall::OnAllAnswered() { reactor_->End(OverallStatus(*this, plan_)); }

}  // namespace souvenir::gateway
