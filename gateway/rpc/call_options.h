#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/clock.h"
#include "gateway/resolve/resolve_call.h"

namespace grpc {
class CallbackServerContext;
}

namespace souvenir::gateway {

// What a call's metadata and deadline ask for.
struct CallOptions {
  ResolveOptions resolve;
  std::string tenant;
};

// Reads `cache-control`, `souvenir-tags`, the deadline, what TraceContext takes and, where it is
// trusted, `souvenir-tenant`.
// INVALID_ARGUMENT names the header, what came and what is expected.
absl::Status ReadCallOptions(const grpc::CallbackServerContext& context, bool trust_tenant,
                             const Clock& clock, CallOptions* options);

}  // namespace souvenir::gateway
