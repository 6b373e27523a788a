#include "common/grpc/unary_calls.h"

#include "common/grpc/caller.h"
#include "common/status_detail.h"

namespace souvenir {

void DeferredCall::Answer(const absl::Status& status) {
  call_.LookForCaller(context_);
  Finish(call_.End(WithoutPaths(status, Detail::kKeep),
                   [this] { return RpcCall::Notes{.trace = TraceOf(context_)}; }));
}

void DeferredCall::OnCancel() {
  (void)call_.CallerHasGone(MonotonicDeadline(context_, *entry_->clock()));
  if (abandon_) abandon_();
}

}  // namespace souvenir
