#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>

#include "absl/status/status.h"
#include "common/grpc/rpc_entry.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/rpc/call_parts.h"

namespace souvenir::gateway {

// One unary RPC whose answer comes from Resolver. A hit is answered before the handler returns,
// with gRPC's default reactor. Only a call that has to wait gets a reactor of its own, which
// cancels the call if the caller goes.
//
// A derived class owns a ResolveCall, or a use case that has one, and is its listener. It fills in
// the questions, and its Respond() writes the response.
class UnaryCall : public std::enable_shared_from_this<UnaryCall>, public ResolveCall::Listener {
 public:
  virtual ~UnaryCall() = default;

  // Resolves the questions of `call`. Returns the reactor for gRPC.
  static grpc::ServerUnaryReactor* Run(const std::shared_ptr<UnaryCall>& call);

  // Ends a call that cannot be resolved. Returns the reactor for gRPC.
  static grpc::ServerUnaryReactor* Fail(const std::shared_ptr<UnaryCall>& call,
                                        const absl::Status& status);

 protected:
  UnaryCall(const CallParts& parts, RpcMethodMetrics* metrics, grpc::CallbackServerContext* context)
      : parts_(parts), call_(parts.entry, metrics), context_(context) {}

  // Returns the ResolveCall of the derived class.
  virtual ResolveCall& resolving() = 0;

  // Writes the response and its metadata. Called once, when all answers are there.
  virtual absl::Status Respond() = 0;

  // Returns the number of answers that the call asks for; each counts by its status. Respond()
  // counts those that it writes if it succeeds.
  virtual size_t answers() const { return 1; }

  const RpcCall& call() const { return call_; }

  void OnAllAnswered() final;

  grpc::CallbackServerContext* context() { return context_; }
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
  // Returns the ResolveCall for the resolver; the pointer keeps this object alive.
  ResolveCallPtr Shared() { return {shared_from_this(), &resolving()}; }

  const CallParts parts_;
  RpcCall call_;
  grpc::CallbackServerContext* const context_;
  std::atomic<State> state_{State::kInHandler};
  WaitingReactor* reactor_ = nullptr;  // set before the state is kWaiting
};

}  // namespace souvenir::gateway
