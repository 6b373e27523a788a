#pragma once

#include <grpcpp/server_context.h>

#include <cstdint>

#include "common/metrics/sharded_counter.h"

namespace souvenir {

// Counts the calls of one gRPC server that a handler has: from when a call's first message has come
// whole, or its headers if it is a stream of messages, until its answer is on its way. OpenCalls
// counts those of which half a message has come, too.
//
// gRPC asks for a context as it hands a call to a handler. This gives none, so gRPC makes its own.
// Owned by the server. Thread-safe; counting takes no lock.
class HandledCalls final : public grpc::ContextAllocator {
 public:
  grpc::CallbackServerContext* NewCallbackServerContext() override {
    begun_.Add();
    return nullptr;
  }
  grpc::GenericCallbackServerContext* NewGenericCallbackServerContext() override {
    begun_.Add();
    return nullptr;
  }
  void Release(grpc::CallbackServerContext*) override { ended_.Add(); }
  void Release(grpc::GenericCallbackServerContext*) override { ended_.Add(); }

  uint64_t count() const {
    const uint64_t ended = ended_.Sum();  // before those that have begun, so that it is never more
    return begun_.Sum() - ended;
  }

 private:
  ShardedCounter begun_;
  ShardedCounter ended_;
};

}  // namespace souvenir
