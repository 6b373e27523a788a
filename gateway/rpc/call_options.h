#pragma once

#include <grpcpp/support/string_ref.h>

#include <map>
#include <string>
#include <string_view>

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
  bool ignores_tenant = false;  // a tenant came, and is not trusted
};

// Check the name of a tag or a tenant as requests may have it: 1 to 256 bytes, and for a tag no
// comma and no blank at its ends, because tags come as a list. INVALID_ARGUMENT names `field`, what
// came and what is expected.
absl::Status CheckTag(std::string_view field, std::string_view tag);
absl::Status CheckTenant(std::string_view field, std::string_view tenant);

// Reads `cache-control`, `souvenir-tags`, the headers that TraceContext takes and, if
// `trust_tenant`, `souvenir-tenant`. A `cache-control` or `souvenir-tags` that comes several times
// is one list, as in HTTP; `souvenir-tenant` may come only once. INVALID_ARGUMENT names the header,
// what came and what is expected.
absl::Status ReadCallMetadata(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata,
                              bool trust_tenant, CallOptions* options);

// Reads the deadline of a call, and its metadata as ReadCallMetadata() does. If a tenant is
// ignored, the initial metadata of the answer say so. REQUIRES: they have not been sent.
absl::Status ReadCallOptions(bool trust_tenant, const Clock& clock,
                             grpc::CallbackServerContext* context, CallOptions* options);

}  // namespace souvenir::gateway
