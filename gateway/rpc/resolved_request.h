#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "common/grpc/rpc_metrics.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/rpc/call_parts.h"

namespace souvenir::gateway {

// How the rows of an answered call were answered: "memory=3,miss=1".
std::string CountKinds(const ResolveCall& call);

// Ends the timer of a call that was resolved, or refused before, and has it logged if the log wants
// it.
void EndRequest(const RpcTimer& timer, const ResolveCall& call, grpc::StatusCode code,
                const CallParts& parts);

}  // namespace souvenir::gateway
