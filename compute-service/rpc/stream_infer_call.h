#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <memory>

#include "absl/time/time.h"
#include "common/grpc/request_stream.h"
#include "compute-service/rpc/call_context.h"
#include "inference/grpc_service.pb.h"

namespace souvenir::compute {

// A ModelStreamInfer call. It queues each request when it comes, and answers it with its id when it
// is ready. A request that fails is answered with its error; the stream goes on.
class StreamInferCall final
    : public RequestStream<inference::ModelInferRequest, inference::ModelStreamInferResponse> {
 public:
  using Reactor =
      grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>;

  // Starts the stream and returns what the handler gives to gRPC. `calls` outlive the stream.
  static Reactor* Start(const CallContext& calls, grpc::CallbackServerContext* context);

 private:
  struct Request;

  StreamInferCall(const CallContext& calls, grpc::CallbackServerContext* context);

  void Handle(uint64_t number, inference::ModelInferRequest* message) override;

  const CallContext& calls_;
  RpcMethodMetrics* const metrics_;  // of each request
  const CallerPatience patience_;    // of the stream, and so of each request
  const TraceContext trace_;
  const UnreadAnswers::GiveUp ending_;  // ends the stream
};

}  // namespace souvenir::compute
