#pragma once

#include <grpcpp/support/server_callback.h>

#include <memory>

#include "gateway/language/translation.h"
#include "gateway/rpc/event_stream.h"

namespace souvenir::gateway {

// One StreamTranslate. Each translation is written as soon as it is ready, so cached ones come
// first.
class StreamTranslateCall final : public EventSource,
                                  public std::enable_shared_from_this<StreamTranslateCall>,
                                  private ResolveCall::Listener {
 public:
  // Runs the call. Returns the reactor for gRPC, which then owns it.
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(const CallParts& parts,
                                                           Translator* translator,
                                                           RpcMethodMetrics* metrics,
                                                           grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer& bytes);

 private:
  explicit StreamTranslateCall(EventStream* stream) : stream_(stream) {}

  absl::Status Read(const grpc::ByteBuffer& bytes, const Translator& translator,
                    grpc::CallbackServerContext* context);

  void Abandon(const absl::Status& reason) override;
  const ResolveOptions& options() const override { return translation_.call().options; }
  ResolvedCalls resolved() const override { return {&translation_.call()}; }

  void OnAnswered(size_t question) override;
  void OnAllAnswered() override;
  // Writes the result for a target language.
  void Write(size_t item);

  // Returns the ResolveCall for the resolver; the pointer keeps this object alive.
  ResolveCallPtr Shared() { return {shared_from_this(), &translation_.call()}; }

  EventStream* const stream_;  // lives until it is told to end
  Translation translation_{this};
};

}  // namespace souvenir::gateway
