#pragma once

#include <grpcpp/support/server_callback.h>

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "common/gate.h"
#include "compute-service/rpc/call_context.h"

namespace souvenir::compute {

// A call that is answered when a loader's thread has done what it asks for. gRPC owns it once the
// handler has returned it, and it deletes itself when the call is over. A caller that goes away
// does not stop what it began.
class RepositoryCall final : public grpc::ServerUnaryReactor {
 public:
  RepositoryCall(const CallContext& calls, const grpc::CallbackServerContext& context,
                 const std::string& method);

  // False once the server is stopping.
  bool admitted() const { return pass_.has_value(); }

  // Ends the call; on any thread, once.
  void Answer(const absl::Status& status);

  void OnDone() override { delete this; }

 private:
  const CallContext& calls_;
  const grpc::CallbackServerContext& context_;
  const RpcTimer timer_;
  const std::optional<Gate::Pass> pass_;
};

}  // namespace souvenir::compute
