#pragma once

#include <cstddef>

#include "common/grpc/rpc_entry.h"
#include "common/timer_queue.h"
#include "gateway/resolve/resolver.h"
#include "gateway/rpc/latency_by_kind.h"

namespace souvenir::gateway {

// The parts that the handlers of the cached path share. All of them outlive the handlers.
struct CallParts {
  RpcEntry* entry;
  Resolver* resolver;
  TimerQueue* timers;
  LatencyByKind* latency;
  bool trust_tenant_header = false;
  size_t max_message_bytes = 16u << 20;  // of a request, inflated

  Clock* clock() const { return entry->clock(); }
};

}  // namespace souvenir::gateway
