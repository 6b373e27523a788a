#pragma once

#include <optional>
#include <string>

#include "absl/time/time.h"

namespace souvenir::cli {

// The reason why no connection to a server can be made.
struct Diagnosis {
  std::string reason;  // "nothing listens there: Connection refused"
  std::string advice;  // a sentence; may be empty
};

// A peer or a name server that says nothing for so long is taken for one that does not answer.
inline constexpr absl::Duration kTellingSilence = absl::Seconds(1);

// Looks up `address` ("host:port"), connects, and tells what is there in place of a gRPC server.
// gRPC itself has one error for all of these cases. Sends only greetings. Blocks, at most a few
// times `limit`. Numeric hosts are not looked up.
//
// Returns nothing if the reason is not found: `limit` is below kTellingSilence and has passed
// before a reply came, the server there may well be one of gRPC, or `address` is not host:port.
std::optional<Diagnosis> DiagnosePeer(const std::string& address, absl::Duration limit);

}  // namespace souvenir::cli
