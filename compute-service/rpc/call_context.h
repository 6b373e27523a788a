#pragma once

#include <string>

#include "common/clock.h"
#include "common/gate.h"
#include "common/grpc/caller.h"
#include "common/grpc/request_log.h"
#include "common/grpc/rpc_metrics.h"
#include "compute-service/repository/model_repository.h"

namespace souvenir::compute {

// What every call works with. Owned by the service; outlives all calls.
struct CallContext {
  ModelRepository* repository = nullptr;
  Gate* gate = nullptr;
  Clock* clock = nullptr;
  RpcMetrics* metrics = nullptr;
  RequestLog* log = nullptr;
  std::string server_version;  // "0.1.0"
  int admin_port = 0;          // for those that ask for what it alone does
  // Requests of one stream that are under way; more are not read before one is answered.
  int stream_limit = 64;
};

}  // namespace souvenir::compute
