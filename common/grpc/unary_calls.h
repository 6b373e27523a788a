#pragma once

#include <google/protobuf/message_lite.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <functional>
#include <utility>

#include "absl/status/status.h"
#include "common/executor.h"
#include "common/grpc/rpc_entry.h"

namespace souvenir {

// Ways to answer a unary RPC outside the cached path: at once, on an executor, or later by a
// callback.

// Finishes an RPC whose handler has not returned, and whose answer has `bytes`, with `status`. The
// answer counts as unread until its client has it. Returns the reactor for gRPC.
grpc::ServerUnaryReactor* FinishNow(UnreadAnswers* unread, grpc::CallbackServerContext* context,
                                    uint64_t bytes, const grpc::Status& status);

// Answers on the calling thread with `response` and the status that `work` returns. Calls that come
// while the service stops are answered, too: they take no time, and some ask whether the service is
// ready.
template <typename Work>
grpc::ServerUnaryReactor* AnswerNow(RpcEntry* entry, RpcMethodMetrics* method,
                                    grpc::CallbackServerContext* context,
                                    const google::protobuf::MessageLite* response,
                                    const Work& work) {
  RpcCall call(entry, method);
  const grpc::Status status =
      call.End(work(), [&] { return RpcCall::Notes{.trace = TraceOf(*context)}; });
  return FinishNow(entry->unread(), context, response->ByteSizeLong(), status);
}

// A unary RPC that is answered later.
//
// Made by its handler, which returns it to gRPC; gRPC then owns it, and it deletes itself when the
// RPC is over. Answer() is called once, on any thread.
class DeferredCall final : public grpc::ServerUnaryReactor {
 public:
  // `response` is gRPC's.
  DeferredCall(RpcEntry* entry, RpcMethodMetrics* method, grpc::CallbackServerContext* context,
               const google::protobuf::MessageLite* response)
      : context_(context), response_(response), entry_(entry), call_(entry, method) {}

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
  grpc::CallbackServerContext* const context_;
  const google::protobuf::MessageLite* const response_;
  RpcEntry* const entry_;
  RpcCall call_;
  UnreadAnswers::Answer unread_;
  std::function<void()> abandon_;
};

// Answers on a thread of `executor`, where `work` may block, with `response` and the status that
// `work` returns, or with `busy` if the executor's queue is full.
template <typename Work>
grpc::ServerUnaryReactor* AnswerOn(Executor* executor, const absl::Status& busy, RpcEntry* entry,
                                   RpcMethodMetrics* method, grpc::CallbackServerContext* context,
                                   const google::protobuf::MessageLite* response, Work work) {
  auto* const call = new DeferredCall(entry, method, context, response);
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
