#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace souvenir {

// Convert our statuses to gRPC's, and back; no other code does. The codes are the same numbers. A
// message above 2 KB is cut, so that it fits into a trailer even if it quotes a caller's text.
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

// Returns true if a request with this status failed because of the service or of what it depends
// on, and not because of its question or because its caller has gone. A lack of time or room counts
// as the service's fault. Logs and alerts (deploy/prometheus/rules.yml) follow this function.
bool IsServersFault(grpc::StatusCode code);

}  // namespace souvenir
