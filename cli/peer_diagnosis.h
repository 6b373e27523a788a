#pragma once

#include <string>

#include "absl/time/time.h"

namespace souvenir::cli {

// Why a connection does not come about.
struct Diagnosis {
  std::string reason;  // "nothing listens there: Connection refused"
  std::string advice;  // a sentence; may be empty
};

// Looks up `address` ("host:port"), connects, and says what is there instead of a gRPC server: gRPC
// itself tells all of it alike. A sign of life is waited for at most `limit`, a few times over.
// Nothing but greetings is sent. Blocks.
Diagnosis DiagnosePeer(const std::string& address, absl::Duration limit);

}  // namespace souvenir::cli
