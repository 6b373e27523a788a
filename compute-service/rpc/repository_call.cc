#include "compute-service/rpc/repository_call.h"

#include "common/grpc/status.h"

namespace souvenir::compute {

RepositoryCall::RepositoryCall(const CallContext& calls, const std::string& method)
    : calls_(calls),
      metrics_(calls.metrics->Method(method)),
      begun_(calls.clock->Monotonic()),
      pass_(calls.gate->Enter()) {}

void RepositoryCall::Answer(const absl::Status& status) {
  const grpc::Status answer = ToGrpcStatus(status);
  metrics_->Record(answer.error_code(), calls_.clock->Monotonic() - begun_);
  Finish(answer);
}

}  // namespace souvenir::compute
