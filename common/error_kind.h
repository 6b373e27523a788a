#pragma once

#include "absl/status/status.h"

namespace souvenir {

// The meaning of a status code. By this one table the services decide what to count, to log, to
// repeat and to answer from an old entry.
struct ErrorKind {
  // The server or what it depends on failed, not the caller.
  bool is_servers_fault = false;
  // Says nothing of the question: asked again later, it may be answered.
  bool is_transient = false;
  // If a call of several rows failed so, it may be for what one row holds: asked for by itself,
  // another row may be answered.
  bool may_be_one_rows_fault = false;
};

// Returns the kind of a code; all false for kOk.
ErrorKind KindOf(absl::StatusCode code);

}  // namespace souvenir
