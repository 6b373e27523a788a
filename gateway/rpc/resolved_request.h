#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/grpc/rpc_entry.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/rpc/call_parts.h"

namespace souvenir::gateway {

// Returns the number of rows of answered calls by kind of answer: "memory=3,miss=1".
std::string CountKinds(const ResolvedCalls& resolved);

// Ends `call`, for which `resolved` were answered, or which was refused before that. Same as
// RpcCall::End(), and counts the latency by kind of answer. The line of log tells the model that
// was asked first, the kinds of answer and the stages. An OK call is logged if one of its answers
// failed through the service's fault.
grpc::Status EndResolved(RpcCall* call, const TraceContext& trace, const ResolvedCalls& resolved,
                         const absl::Status& status, const CallParts& parts);

}  // namespace souvenir::gateway
