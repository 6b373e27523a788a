#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <utility>

#include "common/grpc/rpc_metrics.h"
#include "common/mutex.h"
#include "gateway/catalog/catalog.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/open_streams.h"
#include "gateway/rpc/target_directory.h"
#include "gateway/rpc/unary_call.h"

namespace souvenir::gateway {

// One ModelStreamInfer: requests are resolved as they come, each as a ModelInfer would be, and
// answered as they are ready, each with its id. A request that fails is answered with its error and
// ends nothing else. Where `limit` requests are under way or their answers not yet sent, the next
// one is not read.
//
// Keeps itself until gRPC is done with it; requests under way keep it too.
class StreamInferCall final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                              public OpenStream,
                              public std::enable_shared_from_this<StreamInferCall> {
 public:
  using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

  // All of it outlives the stream.
  struct Service {
    CallParts calls;
    const Catalog* catalog;
    const TargetDirectory* targets;
    RpcMethodMetrics* metrics;  // of each request
    OpenStreams* streams;
    size_t limit = 64;
  };

  // What the handler returns to gRPC.
  static Reactor* Start(const Service& service, const grpc::CallbackServerContext& context);

  void Stop() override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  class Request;

  // A request that has been read and whose answer has not been sent.
  struct Flight {
    std::shared_ptr<Request> request;  // null once it is answered
    bool resolving = true;             // Resolver::Resolve() has not returned
  };

  // What is to be asked of gRPC next, outside the lock: it may call back before it returns.
  struct Next {
    bool read = false;
    const grpc::ByteBuffer* write = nullptr;
    bool finish = false;
    absl::Status status;  // to finish with
  };

  explicit StreamInferCall(const Service& service) : service_(service) {}

  void Handle(uint64_t number, const grpc::ByteBuffer& bytes);
  void Answered(uint64_t number, grpc::ByteBuffer answer);
  Next Plan() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Do(Next next);

  const Service service_;
  CallOptions options_;  // of each request; unchanged once it has begun

  std::shared_ptr<StreamInferCall> self_;  // until OnDone()
  grpc::ByteBuffer read_;                  // while a read is under way

  Mutex mutex_;
  // Reads that were decided on, begun and done: one is under way at most.
  uint64_t reads_planned_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t reads_begun_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t reads_done_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Flight> flights_ ABSL_GUARDED_BY(mutex_);
  std::deque<std::pair<uint64_t, grpc::ByteBuffer>> ready_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;   // ready_.front() is
  bool all_read_ ABSL_GUARDED_BY(mutex_) = false;  // the client has said so, or is gone
  bool lost_ ABSL_GUARDED_BY(mutex_) = false;      // nobody reads answers any more
  absl::Status refused_ ABSL_GUARDED_BY(mutex_);  // an error: it takes no requests, for that reason
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;  // Finish() was or is being called
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace souvenir::gateway
