#pragma once

#include <string>

#include "absl/time/time.h"

namespace souvenir::cli {

// The reason why no connection to a server can be made.
struct Diagnosis {
  std::string reason;  // "nothing listens there: Connection refused"
  std::string advice;  // a sentence; may be empty
};

// Looks up `address` ("host:port"), connects, and tells what is there in place of a gRPC server.
// gRPC itself has one error for all of these cases. Sends only greetings. Blocks, at most a few
// times `limit`.
Diagnosis DiagnosePeer(const std::string& address, absl::Duration limit);

}  // namespace souvenir::cli
