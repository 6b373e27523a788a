#include "common/grpc/unary_calls.h"

#include "common/grpc/call_ending.h"
#include "common/grpc/caller.h"
#include "common/status_detail.h"

namespace souvenir {
namespace {

// Keeps count of an answer until its client has it. Owned by gRPC.
class UnreadReactor final : public grpc::ServerUnaryReactor {
 public:
  explicit UnreadReactor(UnreadAnswers::Answer answer) : answer_(std::move(answer)) {}
  void OnDone() override { delete this; }

 private:
  const UnreadAnswers::Answer answer_;
};

}  // namespace

grpc::ServerUnaryReactor* FinishNow(UnreadAnswers* unread, grpc::CallbackServerContext* context,
                                    uint64_t bytes, const grpc::Status& status) {
  // Most answers are small, and this reactor costs nothing.
  grpc::ServerUnaryReactor* const reactor =
      bytes <= UnreadAnswers::kSmallBytes
          ? context->DefaultReactor()
          : new UnreadReactor(unread->Add(bytes, EndingOf(context)));
  reactor->Finish(status);
  return reactor;
}

void DeferredCall::Answer(const absl::Status& status) {
  call_.LookForCaller(*context_);
  const size_t bytes = status.ok() ? response_->ByteSizeLong() : 0;
  if (bytes > UnreadAnswers::kSmallBytes) {
    unread_ = entry_->unread()->Add(bytes, EndingOf(context_));
  }
  Finish(call_.End(WithoutPaths(status, Detail::kKeep),
                   [this] { return RpcCall::Notes{.trace = TraceOf(*context_)}; }));
}

void DeferredCall::OnCancel() {
  (void)call_.CallerHasGone(MonotonicDeadline(*context_, *entry_->clock()));
  if (abandon_) abandon_();
}

}  // namespace souvenir
