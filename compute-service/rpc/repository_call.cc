#include "compute-service/rpc/repository_call.h"

#include "common/grpc/status.h"

namespace souvenir::compute {

RepositoryCall::RepositoryCall(const CallContext& calls, const std::string& method)
    : timer_(calls.metrics->Method(method), calls.clock), pass_(calls.gate->Enter()) {}

void RepositoryCall::Answer(const absl::Status& status) {
  const grpc::Status answer = ToGrpcStatus(status);
  timer_.End(answer);
  Finish(answer);
}

}  // namespace souvenir::compute
