#pragma once

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <memory>

#include "common/mutex.h"
#include "gateway/resolve/resolver.h"
#include "gateway/rpc/translation_messages.h"
#include "gateway/rpc/unary_call.h"

namespace souvenir::gateway {

// One StreamTranslate. Each translation is written as soon as it is ready, so cached ones come
// first.
class StreamTranslateCall final : private ResolveCall::Listener {
 public:
  // Runs the call. Returns the reactor for gRPC, which then owns it.
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(const CallParts& parts,
                                                           Translator* translator,
                                                           RpcMethodMetrics* metrics,
                                                           grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer& bytes);

 private:
  class Reactor;

  explicit StreamTranslateCall(Reactor* reactor) : reactor_(reactor) {}

  absl::Status Read(const grpc::ByteBuffer& bytes, const CallParts& parts,
                    const Translator& translator, const grpc::CallbackServerContext& context);

  void OnAnswered(size_t question) override;
  void OnAllAnswered() override;
  // Writes the result for a target language.
  void Write(size_t item);

  Reactor* const reactor_;  // lives until it is told to end
  Translation translation_{this};
};

}  // namespace souvenir::gateway
