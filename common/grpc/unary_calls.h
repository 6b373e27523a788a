#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "common/executor.h"
#include "common/grpc/rpc_entry.h"

namespace souvenir {

// Ways to answer a unary RPC outside the cached path: at once, on an executor, or later by a
// callback.

// Answers on the calling thread with the status that `work` returns. Calls that come while the
// service stops are answered, too: they take no time, and some ask whether the service is ready.
template <typename Work>
grpc::ServerUnaryReactor* AnswerNow(RpcEntry* entry, RpcMethodMetrics* method,
                                    grpc::CallbackServerContext* context, const Work& work) {
  RpcCall call(entry, method);
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  reactor->Finish(call.End(work(), [&] { return RpcCall::Notes{.trace = TraceOf(*context)}; }));
  return reactor;
}

// A unary RPC that is answered later.
//
// Made by its handler, which returns it to gRPC; gRPC then owns it, and it deletes itself when the
// RPC is over. Answer() is called once, on any thread.
class DeferredCall final : public grpc::ServerUnaryReactor {
 public:
  DeferredCall(RpcEntry* entry, RpcMethodMetrics* method,
               const grpc::CallbackServerContext& context)
      : context_(context), entry_(entry), call_(entry, method) {}

  // Same as RpcCall::admitted().
  absl::Status admitted() const { return call_.admitted(); }

  // Calls `abandon`, on any thread, if the caller goes before the answer. REQUIRES: the handler has
  // not returned; called once at most.
  void WhenAbandoned(std::function<void()> abandon) { abandon_ = std::move(abandon); }

  // Ends the RPC. The paths in an error's message go to the log, not to the caller.
  void Answer(const absl::Status& status);

  void OnCancel() override;
  void OnDone() override { delete this; }

 private:
  const grpc::CallbackServerContext& context_;
  const RpcEntry* const entry_;
  RpcCall call_;
  std::function<void()> abandon_;
};

// Answers on a thread of `executor`, where `work` may block, with the status that `work` returns,
// or with `busy` if the executor's queue is full.
template <typename Work>
grpc::ServerUnaryReactor* AnswerOn(Executor* executor, const absl::Status& busy, RpcEntry* entry,
                                   RpcMethodMetrics* method, grpc::CallbackServerContext* context,
                                   Work work) {
  auto* const call = new DeferredCall(entry, method, *context);
  const absl::Status admitted = call->admitted();
  if (!admitted.ok()) {
    call->Answer(admitted);
    return call;
  }
  Task task = [call, work = std::move(work)]() mutable { call->Answer(work()); };
  if (!executor->TrySubmit(task)) call->Answer(busy);
  return call;
}

}  // namespace souvenir
