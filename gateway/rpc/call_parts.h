#pragma once

#include <cstddef>

#include "common/clock.h"
#include "common/gate.h"
#include "common/grpc/request_log.h"
#include "gateway/resolve/resolver.h"
#include "gateway/rpc/latency_by_kind.h"

namespace souvenir::gateway {

// What the handlers of the cached path share. All of it outlives the handlers.
struct CallParts {
  Clock* clock;
  Gate* gate;  // what is inside is waited for when the gateway stops
  Resolver* resolver;
  RequestLog* log;
  LatencyByKind* latency;
  bool trust_tenant_header = false;
  size_t max_message_bytes = 16u << 20;  // of a request, inflated
};

}  // namespace souvenir::gateway
