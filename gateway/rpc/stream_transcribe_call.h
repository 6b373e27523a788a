#pragma once

#include <grpcpp/support/server_callback.h>

#include <memory>

#include "common/grpc/open_streams.h"
#include "gateway/language/speech/speech_caller.h"
#include "gateway/language/speech/stream_transcription.h"
#include "gateway/rpc/event_stream.h"
#include "souvenir/v1/speech.pb.h"

namespace souvenir::gateway {

// One StreamTranscribe: a StreamTranscription whose audio and events are messages.
class StreamTranscribeCall final : public EventExchange::Source,
                                   public OpenStream,
                                   public std::enable_shared_from_this<StreamTranscribeCall>,
                                   private StreamTranscription::Listener {
 public:
  // Runs the call. Returns the reactor for gRPC, which then owns it.
  static EventExchange* Start(const CallParts& parts, const StreamTranscription::Options& options,
                              const StreamTranscription::Parts& speech, RpcMethodMetrics* metrics,
                              grpc::CallbackServerContext* context);

  // Ends the recording here. A stop waits for the answers to what has come.
  void Stop() override { transcription_.Finish(stream_refusal_); }

 private:
  StreamTranscribeCall(EventExchange* stream, const StreamTranscription::Options& options,
                       const StreamTranscription::Parts& speech);

  // Returns OK: the transcription ends the RPC, after its last event.
  absl::Status OnMessage(const grpc::ByteBuffer& message) override;
  void OnLastMessage() override;
  void Abandon(const absl::Status& reason) override { transcription_.Cancel(reason); }
  void OnWritten() override { transcription_.OnTaken(); }
  const ResolveOptions& options() const override { return caller_.options(); }
  // None: they are not kept, because a stream has no bound, and lasts as long as its caller speaks.
  ResolvedCalls resolved() const override { return {}; }

  // Takes the configuration, or a piece of the recording.
  absl::Status Take(const grpc::ByteBuffer& message);

  void OnReady() override { stream_->ReadNext(); }
  void OnSegment(const TranscriptSegment& segment) override;
  void OnInterim(const TranscriptSegment& segment) override;
  void OnEnd(const absl::Status& status) override;

  void Describe(const TranscriptSegment& segment, v1::TranscriptSegment* message) const;

  EventExchange* const stream_;        // lives until it is told to end
  const absl::Status stream_refusal_;  // the status of a stop
  bool has_config_ = false;
  bool omit_words_ = false;

  SpeechCaller caller_;
  StreamTranscription transcription_;
};

}  // namespace souvenir::gateway
