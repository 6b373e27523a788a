#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"

namespace souvenir {

// Returns the message of a status as clients get it, which may quote a caller's text: control
// characters are escaped (see escape_controls.h), because terminals and logs would obey them, and a
// message above 2 KB is cut, so that it fits into a trailer.
std::string MessageForClients(const absl::Status& status);

// Convert our statuses to gRPC's, and back; no other code does. The codes are the same numbers. The
// message is that of MessageForClients().
grpc::Status ToGrpcStatus(const absl::Status& status);
absl::Status FromGrpcStatus(const grpc::Status& status);

// Returns true if a request with this status failed because of the service or of what it depends
// on, and not because of its question or because its caller has gone. A lack of time or room counts
// as the service's fault. Logs and alerts (deploy/prometheus/rules.yml) follow this function.
bool IsServersFault(grpc::StatusCode code);

}  // namespace souvenir
