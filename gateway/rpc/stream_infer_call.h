#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>

#include "common/grpc/request_stream.h"
#include "gateway/catalog/catalog.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/target_directory.h"
#include "gateway/rpc/unary_call.h"

namespace souvenir::gateway {

// One ModelStreamInfer: requests are resolved as they come, each as a ModelInfer would be, and
// answered as they are ready, each with its id. A request that fails is answered with its error and
// ends nothing else.
class StreamInferCall final : public RequestStream<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

  // All of it outlives the stream.
  struct Service {
    CallParts calls;
    const Catalog* catalog;
    const TargetDirectory* targets;
    RpcMethodMetrics* metrics;  // of each request
    size_t limit = 64;
  };

  // What the handler returns to gRPC.
  static Reactor* Start(const Service& service, const grpc::CallbackServerContext& context);

 private:
  class Request;

  explicit StreamInferCall(const Service& service);

  void Handle(uint64_t number, grpc::ByteBuffer* bytes) override;

  const Service service_;
  const absl::Duration begun_;
  CallOptions options_;  // of each request; unchanged once it has begun
};

}  // namespace souvenir::gateway
