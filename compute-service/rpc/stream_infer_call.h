#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "common/grpc/request_stream.h"
#include "compute-service/rpc/call_context.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::compute {

// One ModelStreamInfer call: requests are queued as they come, and answered as they are ready, each
// with its id. A request that fails is answered with its error and ends nothing else.
class StreamInferCall final
    : public RequestStream<inference::ModelInferRequest, inference::ModelStreamInferResponse> {
 public:
  using Reactor =
      grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>;

  // What the handler returns to gRPC. `calls` and `streams` outlive the stream.
  static Reactor* Start(const CallContext& calls, OpenStreams* streams,
                        const grpc::CallbackServerContext& context);

 private:
  struct Flight;

  StreamInferCall(const CallContext& calls, OpenStreams* streams,
                  const grpc::CallbackServerContext& context);

  void Handle(uint64_t number, inference::ModelInferRequest* request) override;

  const CallContext& calls_;
  RpcMethodMetrics* const metrics_;  // of each request
  const absl::Duration begun_;
  const absl::Duration deadline_;
  const TraceContext trace_;
};

}  // namespace souvenir::compute
