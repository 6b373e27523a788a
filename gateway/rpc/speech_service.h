#pragma once

#include "absl/time/time.h"
#include "common/executor.h"
#include "common/grpc/rpc_metrics.h"
#include "gateway/language/speech/speech_models.h"
#include "gateway/language/speech/stream_transcription.h"
#include "gateway/language/translator.h"
#include "gateway/rpc/call_parts.h"
#include "souvenir/v1/speech.grpc.pb.h"

namespace souvenir::gateway {

// souvenir.v1.SpeechService over Transcription, StreamTranscription and Synthesis. Owned by the
// gateway; thread-safe.
class SpeechService final
    : public v1::SpeechService::WithRawCallbackMethod_Transcribe<
          v1::SpeechService::WithRawCallbackMethod_StreamTranscribe<
              v1::SpeechService::WithRawCallbackMethod_Synthesize<
                  v1::SpeechService::WithRawCallbackMethod_StreamSynthesize<
                      v1::SpeechService::WithRawCallbackMethod_TranslateSpeech<
                          v1::SpeechService::WithCallbackMethod_ListVoices<
                              v1::SpeechService::WithCallbackMethod_ListRecognizers<
                                  v1::SpeechService::Service>>>>>>> {
 public:
  // Not checked here: CheckGatewayConfig() has checked the values that users set.
  struct Options {
    // For a recording that comes as a stream, or the next piece of one that is written down
    // meanwhile.
    absl::Duration upload_timeout = absl::Minutes(1);
    // See StreamTranscription::Options.
    size_t max_stream_segments = StreamTranscription::Options().max_segments;
    uint64_t max_interim_rows = StreamTranscription::Options().max_interim_rows;
  };

  // The objects that the arguments point to must outlive the service. `executor` cuts recordings
  // that come as streams.
  SpeechService(const Options& options, const CallParts& parts, SpeechModels* models,
                Translator* translator, Executor* executor);

  grpc::ServerUnaryReactor* Transcribe(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StreamTranscribe(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* Synthesize(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamSynthesize(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* TranslateSpeech(
      grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* ListVoices(grpc::CallbackServerContext* context,
                                       const v1::ListVoicesRequest* request,
                                       v1::ListVoicesResponse* response) override;
  grpc::ServerUnaryReactor* ListRecognizers(grpc::CallbackServerContext* context,
                                            const v1::ListRecognizersRequest* request,
                                            v1::ListRecognizersResponse* response) override;

 private:
  const CallParts parts_;
  SpeechModels* const models_;
  Translator* const translator_;
  const StreamTranscription::Options stream_options_;
  const StreamTranscription::Parts stream_parts_;
  RpcMethodMetrics* const transcribe_metrics_;
  RpcMethodMetrics* const stream_transcribe_metrics_;
  RpcMethodMetrics* const synthesize_metrics_;
  RpcMethodMetrics* const stream_synthesize_metrics_;
  RpcMethodMetrics* const translate_speech_metrics_;
  RpcMethodMetrics* const list_voices_metrics_;
  RpcMethodMetrics* const list_recognizers_metrics_;
};

}  // namespace souvenir::gateway
