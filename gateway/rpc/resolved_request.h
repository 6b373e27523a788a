#pragma once

#include <string>

#include "absl/status/status.h"
#include "common/grpc/rpc_entry.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/rpc/call_parts.h"

namespace souvenir::gateway {

// Returns the number of rows of an answered call by kind of answer: "memory=3,miss=1".
std::string CountKinds(const ResolveCall& resolved);

// Ends `call`, whose questions were resolved, or which was refused before that. Same as
// RpcCall::End(), and counts the latency by kind of answer. The line of log tells the model, the
// kinds of answer and the stages. An OK call is logged if one of its answers failed through the
// service's fault.
grpc::Status EndResolved(RpcCall* call, const ResolveCall& resolved, const absl::Status& status,
                         const CallParts& parts);

}  // namespace souvenir::gateway
