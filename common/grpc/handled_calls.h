#pragma once

#include <grpcpp/server_context.h>

#include <cstdint>

#include "common/metrics/sharded_counter.h"

namespace souvenir {

// Counts the calls of one gRPC server that handlers have. A handler gets a call when its first
// message has come whole, or its headers if it is a stream of messages, and has it until the answer
// is on its way. OpenCalls also counts calls whose message has come only in part.
//
// gRPC asks this allocator for a context when it hands a call to a handler. The allocator returns
// none, so gRPC makes its own. Owned by the server. Thread-safe; counting takes no lock.
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
    const uint64_t ended = ended_.Sum();  // read first, so that it is never above begun_
    return begun_.Sum() - ended;
  }

 private:
  ShardedCounter begun_;
  ShardedCounter ended_;
};

}  // namespace souvenir
