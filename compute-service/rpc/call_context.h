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
  std::function<int()> admin_port;  // told to callers who ask another port for its work
  // The largest number of unanswered requests of one stream. The next one is not read before one is
  // answered.
  int stream_limit = 64;
};

}  // namespace souvenir::compute
