#include "compute-service/rpc/repository_call.h"

#include "common/grpc/status.h"
#include "common/status_detail.h"

namespace souvenir::compute {

RepositoryCall::RepositoryCall(const CallContext& calls, const grpc::CallbackServerContext& context,
                               const std::string& method)
    : calls_(calls),
      context_(context),
      timer_(calls.metrics->Method(method), calls.clock),
      pass_(calls.gate->Enter()) {}

void RepositoryCall::Answer(const absl::Status& status) {
  const absl::Status told = WithoutPaths(status, Detail::kKeep);
  const grpc::Status answer = ToGrpcStatus(told);
  const grpc::StatusCode code = CountedCode(context_, timer_.begun(), *calls_.clock, answer);
  const absl::Duration took = timer_.End(code);
  if (calls_.log->Wants(code, took)) {
    calls_.log->Write({.method = timer_.method(),
                       .code = code,
                       .took = took,
                       .trace = TraceOf(context_),
                       .detail = DetailOf(told)},
                      {});
  }
  Finish(answer);
}

}  // namespace souvenir::compute
