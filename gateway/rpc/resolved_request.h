#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/clock.h"
#include "common/grpc/rpc_metrics.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/rpc/call_parts.h"

namespace souvenir::gateway {

// How the rows of an answered call were answered: "memory=3,miss=1".
std::string CountKinds(const ResolveCall& call);

// Ends the timer of a call that was resolved, or refused before, and has it logged if the log wants
// it: for its status, how its caller has gone, or an answer in it that failed for our sake.
void EndRequest(const RpcTimer& timer, const ResolveCall& call, const absl::Status& status,
                const CallParts& parts);

// Why the caller of `call` has gone.
absl::Status CallerGone(const RpcTimer& timer, const ResolveCall& call, const Clock& clock);

}  // namespace souvenir::gateway
