#pragma once

#include <grpcpp/support/server_callback.h>

#include <memory>
#include <vector>

#include "common/mutex.h"
#include "gateway/language/speech/synthesis.h"
#include "gateway/rpc/event_stream.h"

namespace souvenir::gateway {

// One StreamSynthesize. The sentences are sent in the order of the text. Only some are made ahead
// of the one that is being sent, so that a caller who reads slowly costs little memory.
class StreamSynthesizeCall final : public EventSource, private Synthesis::Listener {
 public:
  // Runs the call. Returns the reactor for gRPC, which then owns it.
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(const CallParts& parts,
                                                           const SpeechModels& models,
                                                           RpcMethodMetrics* metrics,
                                                           grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer& bytes);

 private:
  explicit StreamSynthesizeCall(EventStream* stream)
      : stream_(stream), caller_(stream->parts().resolver, Lane::kSynthesis) {}

  absl::Status Read(const grpc::ByteBuffer& bytes, const SpeechModels& models,
                    grpc::CallbackServerContext* context);

  void Abandon(const absl::Status& reason) override;
  void OnWritten() override { synthesis_.Continue(); }
  const ResolveOptions& options() const override { return caller_.options(); }
  ResolvedCalls resolved() const override { return synthesis_.calls(); }

  void OnSentence(size_t sentence) override;
  void OnSpoken() override {}

  // Writes the sentences that are next in order and ready, or ends the stream if it was abandoned.
  // Only one thread does so at a time.
  void WriteWhatIsReady();

  EventStream* const stream_;  // lives until it is told to end
  SpeechCaller caller_;
  Synthesis synthesis_{this, &caller_, Synthesis::Files::kForEachSentence};

  Mutex mutex_;
  std::vector<bool> ready_ ABSL_GUARDED_BY(mutex_);  // by sentence
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;          // the sentence to write
  bool is_writing_ ABSL_GUARDED_BY(mutex_) = false;  // a thread is in WriteWhatIsReady()
  absl::Status gone_ ABSL_GUARDED_BY(mutex_);        // an error once the caller has gone
};

}  // namespace souvenir::gateway
