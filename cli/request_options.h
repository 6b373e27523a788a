#pragma once

#include <grpcpp/client_context.h>

#include <string>
#include <vector>

#include "cli/exit_code.h"

namespace souvenir::cli {

// Metadata of one request that steers the cache.
struct RequestOptions {
  std::vector<std::string> tags;  // names by which the answer can be invalidated
  std::string tenant;             // believed if trust_tenant_header is on at the gateway
  std::string cache_control;      // "no-cache", "max-age=60", ...
};

// kUsage if an option cannot be sent, because it is not printable ASCII.
Outcome CheckRequestOptions(const RequestOptions& options);

// Adds the options to the metadata. REQUIRES: CheckRequestOptions() is OK.
void AddMetadata(const RequestOptions& options, grpc::ClientContext* context);

}  // namespace souvenir::cli
