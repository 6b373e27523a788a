#pragma once

#include <grpcpp/client_context.h>

#include <ostream>
#include <string>
#include <vector>

namespace souvenir::cli {

// Metadata of one request that steers the cache.
struct RequestOptions {
  std::vector<std::string> tags;  // names by which the answer can be invalidated
  std::string tenant;             // believed if trust_tenant_header is on at the gateway
  std::string cache_control;      // "no-cache", "max-age=60", ...

  bool any() const { return !tags.empty() || !tenant.empty() || !cache_control.empty(); }
};

// Returns why `value` cannot be sent as metadata, which must be printable ASCII, or an empty text
// if it can.
std::string WrongMetadata(const std::string& value);

// Adds the options to the metadata. REQUIRES: WrongMetadata() accepts their values.
void AddMetadata(const RequestOptions& options, grpc::ClientContext* context);

// Tells on `err` if the server ignored the tenant. REQUIRES: the call of `context` has ended with
// OK.
void TellIgnored(const RequestOptions& options, const grpc::ClientContext& context,
                 std::ostream& err);

}  // namespace souvenir::cli
