#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "common/grpc/rpc_entry.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/rpc/call_parts.h"

namespace souvenir::gateway {

// One unary RPC whose answer comes from a use case on the cached path. A hit is answered before the
// handler returns, with gRPC's default reactor. Only a call that has to wait gets a reactor of its
// own, which abandons the use case if the caller goes.
//
// A derived class owns the use case and is its listener. Its Respond() writes the response.
class UnaryCall : public std::enable_shared_from_this<UnaryCall> {
 public:
  virtual ~UnaryCall() = default;

  // Begins with the use case of `call`. Returns the reactor for gRPC.
  static grpc::ServerUnaryReactor* Run(const std::shared_ptr<UnaryCall>& call);

  // Ends a call that is refused, in the place of Run(). Returns the reactor for gRPC.
  static grpc::ServerUnaryReactor* Fail(const std::shared_ptr<UnaryCall>& call,
                                        const absl::Status& status);

 protected:
  // `request` and `response` are gRPC's.
  UnaryCall(const CallParts& parts, RpcMethodMetrics* metrics, grpc::CallbackServerContext* context,
            const grpc::ByteBuffer& request, grpc::ByteBuffer* response)
      : parts_(parts),
        call_(parts.entry, metrics),
        context_(context),
        request_(request),
        response_(response) {}

  // Begins with the use case, which calls Done() when it has all answers, on any thread.
  virtual void Begin() = 0;

  // Ends the use case soon with `reason`, because the caller has gone; Done() must be called all
  // the same. Called once at most, after Begin() has returned, on any thread.
  virtual void Abandon(const absl::Status& reason) = 0;

  virtual const ResolveOptions& options() = 0;

  // Returns the calls that were resolved, for statistics. Called after Done() or Fail().
  virtual ResolvedCalls resolved() = 0;

  // Writes the response and its metadata. Called once, after Done().
  virtual absl::Status Respond() = 0;

  // Returns the number of answers that the call asks for; each counts by its status. Respond()
  // counts those that it writes if it succeeds.
  virtual size_t answers() const { return 1; }

  // Notes that the answer is there. Called once. The call may be gone afterwards.
  void Done();

  const RpcCall& call() const { return call_; }
  grpc::CallbackServerContext* context() { return context_; }
  grpc::ByteBuffer* response() { return response_; }
  const CallParts& parts() const { return parts_; }

 private:
  class WaitingReactor;

  enum class State {
    kInHandler,  // the handler has not returned a reactor yet
    kWaiting,    // `reactor_` waits for the answers
    kAnswered,   // all answers are there
  };

  // Responds and ends the call. Called once.
  grpc::Status Finish();
  // Returns the bytes that gRPC keeps until the client has the response.
  uint64_t KeptBytes() const;

  const CallParts parts_;
  RpcCall call_;
  grpc::CallbackServerContext* const context_;
  const grpc::ByteBuffer& request_;
  grpc::ByteBuffer* const response_;
  std::atomic<State> state_{State::kInHandler};
  WaitingReactor* reactor_ = nullptr;  // set before the state is kWaiting
};

// A unary RPC whose use case is one ResolveCall, or has one, whose listener this is.
class ResolvingCall : public UnaryCall, public ResolveCall::Listener {
 protected:
  using UnaryCall::UnaryCall;

  // Returns the ResolveCall of the derived class.
  virtual ResolveCall& resolving() = 0;

  void Begin() final;
  void Abandon(const absl::Status& reason) final;
  const ResolveOptions& options() final { return resolving().options; }
  ResolvedCalls resolved() final { return {&resolving()}; }
  void OnAllAnswered() final { Done(); }

 private:
  // Returns the ResolveCall for the resolver; the pointer keeps this object alive.
  ResolveCallPtr Shared() { return {shared_from_this(), &resolving()}; }
};

}  // namespace souvenir::gateway
