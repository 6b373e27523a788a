#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/clock.h"
#include "gateway/resolve/resolve_call.h"

namespace grpc {
class CallbackServerContext;
}

namespace souvenir::gateway {

// The options that a call sets with its metadata and its deadline.
struct CallOptions {
  ResolveOptions resolve;
  std::string tenant;
};

// Reads `cache-control`, `souvenir-tags`, the deadline, the headers that TraceContext takes and, if
// `trust_tenant`, `souvenir-tenant`. INVALID_ARGUMENT names the header, what came and what is
// expected.
absl::Status ReadCallOptions(const grpc::CallbackServerContext& context, bool trust_tenant,
                             const Clock& clock, CallOptions* options);

}  // namespace souvenir::gateway
