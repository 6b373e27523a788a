#pragma once

#include <grpcpp/client_context.h>

#include <string>
#include <vector>

#include "cli/exit_code.h"

namespace souvenir::cli {

// What steers the cache for one request, by its metadata.
struct RequestOptions {
  std::vector<std::string> tags;  // the answer can be forgotten by them
  std::string tenant;             // believed where the gateway's trust_tenant_header is on
  std::string cache_control;      // "no-cache", "max-age=60", ...
};

// kUsage where one of them cannot be sent: metadata is printable ASCII.
Outcome CheckRequestOptions(const RequestOptions& options);

// REQUIRES: CheckRequestOptions() is OK.
void AddMetadata(const RequestOptions& options, grpc::ClientContext* context);

}  // namespace souvenir::cli
