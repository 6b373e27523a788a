#pragma once

#include <functional>
#include <string>

#include "common/grpc/rpc_entry.h"
#include "compute-service/repository/model_repository.h"

namespace souvenir::compute {

// The parts that every call works with. Owned by the service; outlives all calls.
struct CallContext {
  ModelRepository* repository = nullptr;
  RpcEntry* entry = nullptr;
  std::string server_version;       // "0.1.0"
  std::function<int()> admin_port;  // named in errors of the public port
  // The most unanswered requests of one stream. The next request is read when one of them is
  // answered.
  int stream_limit = 64;
};

}  // namespace souvenir::compute
