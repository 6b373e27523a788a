#include "gateway/rpc/unary_call.h"

#include <algorithm>
#include <utility>

#include "common/grpc/call_ending.h"
#include "common/grpc/unary_calls.h"
#include "gateway/rpc/resolved_request.h"

namespace souvenir::gateway {

// Owned by gRPC once the handler has returned it. OnDone() is the last callback.
class UnaryCall::WaitingReactor final : public grpc::ServerUnaryReactor {
 public:
  explicit WaitingReactor(std::shared_ptr<UnaryCall> call) : call_(std::move(call)) {}

  void OnCancel() override {
    call_->Abandon(call_->call_.CallerHasGone(call_->options().deadline));
  }
  void OnDone() override { delete this; }

  // Responds and ends the call. The reactor may be gone afterwards.
  void FinishCall() {
    const grpc::Status status = call_->Finish();
    // The reactor keeps the call, with the message that was read from the request.
    uint64_t bytes = call_->KeptBytes();
    for (const ResolveCall* const resolved : call_->resolved()) {
      for (const Question& question : resolved->questions) bytes += BytesOf(question);
    }
    if (bytes > UnreadAnswers::kSmallBytes) {
      unread_ = call_->parts_.entry->unread()->Add(bytes, EndingOf(call_->context_));
    }
    Finish(status);
  }

 private:
  const std::shared_ptr<UnaryCall> call_;
  UnreadAnswers::Answer unread_;
};

grpc::ServerUnaryReactor* UnaryCall::Run(const std::shared_ptr<UnaryCall>& call) {
  const absl::Status admitted = call->call_.admitted();
  if (!admitted.ok()) return Fail(call, admitted);
  call->Begin();
  if (call->state_.load(std::memory_order_acquire) == State::kAnswered) {
    const grpc::Status status = call->Finish();
    return FinishNow(call->parts_.entry->unread(), call->context_, call->KeptBytes(), status);
  }
  auto* const reactor = new WaitingReactor(call);
  call->reactor_ = reactor;
  State expected = State::kInHandler;
  if (!call->state_.compare_exchange_strong(expected, State::kWaiting, std::memory_order_acq_rel)) {
    reactor->FinishCall();  // answered meanwhile
  }
  return reactor;
}

grpc::ServerUnaryReactor* UnaryCall::Fail(const std::shared_ptr<UnaryCall>& call,
                                          const absl::Status& status) {
  call->call_.CountAnswers(status.code());
  grpc::ServerUnaryReactor* const reactor = call->context_->DefaultReactor();
  reactor->Finish(
      EndResolved(&call->call_, call->options().trace, call->resolved(), status, call->parts_));
  return reactor;
}

void UnaryCall::Done() {
  if (state_.exchange(State::kAnswered, std::memory_order_acq_rel) != State::kWaiting) return;
  // gRPC may destroy the reactor, and with it this call, as soon as it has the status.
  const auto self = shared_from_this();
  reactor_->FinishCall();
}

grpc::Status UnaryCall::Finish() {
  const absl::Status status = Respond();
  if (!status.ok()) call_.CountAnswers(status.code(), std::max<size_t>(answers(), 1));
  return EndResolved(&call_, options().trace, resolved(), status, parts_);
}

uint64_t UnaryCall::KeptBytes() const {
  const size_t request = request_.Valid() ? request_.Length() : 0;
  return request + (response_->Valid() ? response_->Length() : 0);
}

void ResolvingCall::Begin() { parts().resolver->Resolve(Shared()); }

void ResolvingCall::Abandon(const absl::Status& reason) {
  parts().resolver->Cancel(Shared(), reason);
}

}  // namespace souvenir::gateway
