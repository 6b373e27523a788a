#pragma once

#include "absl/status/status.h"
#include "gateway/resolve/resolve_call.h"

namespace souvenir::gateway {

// Returns an error if a request as a whole failed although each of its questions has an answer of
// its own: none was served, because compute is away or the caller's time is up. Otherwise, and for
// a call without questions, returns OK. REQUIRES: all questions are answered.
absl::Status OverallStatusOf(const ResolveCall& call);

}  // namespace souvenir::gateway
