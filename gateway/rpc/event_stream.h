#pragma once

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <deque>
#include <memory>

#include "absl/status/status.h"
#include "common/grpc/rpc_entry.h"
#include "common/mutex.h"
#include "gateway/resolve/resolve_call.h"
#include "gateway/rpc/call_parts.h"
#include "gateway/rpc/resolved_request.h"

namespace souvenir::gateway {

// One RPC that is answered by a stream of events, which are written one after another.
//
//   auto* stream = new EventStream(parts, metrics);
//   ... read the request; on an error: stream->Fail(*source, status); return stream; ...
//   stream->Watch(source);
//   ... source begins to work, and calls stream->Write() and at last stream->End() ...
//   return stream;
//
// Made by the handler, which returns it to gRPC; gRPC then owns it, and it deletes itself when the
// RPC is over. Thread-safe after Watch(). It lives until End() or Fail() was called.
class EventStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  // The use case that makes the events.
  class Source {
   public:
    virtual ~Source() = default;
    // The caller has gone. Called once at most, on any thread, before or after the last event. All
    // that is left must end soon with `reason`, and then End() must be called.
    virtual void Abandon(const absl::Status& reason) = 0;
    // An event was sent. Called on threads of gRPC, one call after another, also after End().
    virtual void OnWritten() {}
    virtual const ResolveOptions& options() const = 0;
    // The calls that were resolved, for statistics. Called after End() or Fail().
    virtual ResolvedCalls resolved() const = 0;
  };

  EventStream(const CallParts& parts, RpcMethodMetrics* metrics)
      : parts_(parts), call_(parts.entry, metrics) {}

  const CallParts& parts() const { return parts_; }

  // Same as RpcCall::admitted().
  absl::Status admitted() const { return call_.admitted(); }

  // Ends an RPC that was refused, in the place of Watch().
  void Fail(const Source& source, const absl::Status& status);

  // Keeps `source` until the end, and tells it if the caller goes. Called once.
  void Watch(std::shared_ptr<Source> source);

  // Queues an event. `code` is the status of the answer in it.
  void Write(absl::StatusCode code, const grpc::ByteBuffer& event);

  // Ends the RPC after the events that are queued. Called once; Write() must not be called
  // afterwards.
  void End(const absl::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { delete this; }

 private:
  const grpc::ByteBuffer* NextEvent();
  void FinishNow();

  const CallParts parts_;
  RpcCall call_;

  Mutex mutex_;
  std::shared_ptr<Source> source_ ABSL_GUARDED_BY(mutex_);
  std::deque<grpc::ByteBuffer> queue_ ABSL_GUARDED_BY(mutex_);  // the first is being written
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace souvenir::gateway
