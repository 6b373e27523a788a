#pragma once

#include "absl/status/status.h"

namespace souvenir {

// The meaning of a status code. The services use this table to decide what to count, to log, to
// repeat and to answer from an old entry.
struct ErrorKind {
  // The server or what it depends on failed, not the caller.
  bool is_servers_fault = false;
  // The error does not depend on the question: a later try may be answered.
  bool is_transient = false;
  // If a call of several rows failed with this error, a single row may be the cause, and the other
  // rows may be answered by themselves.
  bool may_be_one_rows_fault = false;
};

// Returns the kind of a code; all false for kOk.
ErrorKind KindOf(absl::StatusCode code);

}  // namespace souvenir
