#pragma once

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace souvenir {

// The one place where our statuses become gRPC's, and back. The codes are the same numbers; a
// message above 2 KB is cut, so that it fits into a trailer whatever a caller made us quote.
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

// Whether a request that ends so has failed for the service's sake, or for the time or room that
// it had, and not for what was asked or because nobody wanted the answer any more. Logs and alerts
// (deploy/prometheus/rules.yml) go by it.
bool IsServersFault(grpc::StatusCode code);

}  // namespace souvenir
