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

// One ModelStreamInfer. Each request is resolved when it comes, in the same way as a ModelInfer,
// and answered when it is ready, with its id. A request that fails is answered with its error; the
// stream goes on.
class StreamInferCall final : public RequestStream<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

  // The parts that a stream works with. All of them outlive the stream.
  struct Service {
    CallParts calls;
    const Catalog* catalog;
    const TargetDirectory* targets;
    RpcMethodMetrics* metrics;  // of each request
    size_t limit = 64;
  };

  // Starts the stream. Returns the reactor for gRPC, which keeps itself until the stream is over.
  static Reactor* Start(const Service& service, grpc::CallbackServerContext* context);

 private:
  class Request;

  StreamInferCall(const Service& service, grpc::CallbackServerContext* context);

  void Handle(uint64_t number, grpc::ByteBuffer* bytes) override;

  const Service service_;
  const absl::Duration begun_;
  const UnreadAnswers::GiveUp ending_;  // ends the stream
  CallOptions options_;                 // of each request; constant once the stream has begun
};

}  // namespace souvenir::gateway
