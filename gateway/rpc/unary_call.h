#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <optional>

#include "absl/status/status.h"
#include "common/gate.h"
#include "common/grpc/rpc_metrics.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/rpc/call_parts.h"

namespace souvenir::gateway {

// One unary RPC whose answer comes from Resolver. A hit is answered before the handler returns, in
// gRPC's own reactor; only what has to wait gets a reactor of its own, which leaves when the caller
// does.
//
// A derived class fills in `questions` and `options`, and its Respond() writes the response.
class UnaryCall : public ResolveCall {
 public:
  // Resolves the questions of `call`; what the handler returns to gRPC.
  static grpc::ServerUnaryReactor* Run(const std::shared_ptr<UnaryCall>& call);

  // Ends a call that cannot be resolved.
  static grpc::ServerUnaryReactor* Fail(const std::shared_ptr<UnaryCall>& call,
                                        const absl::Status& status);

 protected:
  UnaryCall(const CallParts& parts, RpcMethodMetrics* metrics, grpc::CallbackServerContext* context)
      : parts_(parts), timer_(metrics, parts.clock), context_(context) {}

  // Writes the response, and what metadata goes with it, once all answers are there.
  virtual absl::Status Respond() = 0;

  // How many answers the call asks for; each counts by its status. Respond() counts those that it
  // writes, where it succeeds.
  virtual size_t answers() const { return 1; }

  const RpcTimer& timer() const { return timer_; }

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

  // Responds, and ends the timer. Called once.
  grpc::Status Finish();

  const CallParts parts_;
  const RpcTimer timer_;
  grpc::CallbackServerContext* const context_;
  std::optional<Gate::Pass> pass_;
  std::atomic<State> state_{State::kInHandler};
  // How the caller has gone, if it has.
  std::atomic<absl::StatusCode> gone_{absl::StatusCode::kOk};
  WaitingReactor* reactor_ = nullptr;  // set before the state is kWaiting
};

}  // namespace souvenir::gateway
