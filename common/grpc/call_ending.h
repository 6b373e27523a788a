#pragma once

#include <grpcpp/server_context.h>

#include "common/grpc/unread_answers.h"

namespace souvenir {

// Returns a function that ends the RPC of `context` with RESOURCE_EXHAUSTED, because its client
// does not read. The function may outlive the RPC, and then does nothing.
UnreadAnswers::GiveUp EndingOf(grpc::CallbackServerContext* context);

}  // namespace souvenir
