#pragma once

#include "common/grpc/rpc_metrics.h"
#include "gateway/language/speech/speech_models.h"
#include "gateway/rpc/call_parts.h"
#include "souvenir/v1/speech.grpc.pb.h"

namespace souvenir::gateway {

// souvenir.v1.SpeechService over Transcription and Synthesis. Owned by the gateway; thread-safe.
class SpeechService final : public v1::SpeechService::WithRawCallbackMethod_Transcribe<
                                v1::SpeechService::WithRawCallbackMethod_Synthesize<
                                    v1::SpeechService::WithRawCallbackMethod_StreamSynthesize<
                                        v1::SpeechService::WithCallbackMethod_ListVoices<
                                            v1::SpeechService::WithCallbackMethod_ListRecognizers<
                                                v1::SpeechService::Service>>>>> {
 public:
  // The objects that the arguments point to must outlive the service.
  SpeechService(const CallParts& parts, SpeechModels* models);

  grpc::ServerUnaryReactor* Transcribe(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Synthesize(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamSynthesize(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  grpc::ServerUnaryReactor* ListVoices(grpc::CallbackServerContext* context,
                                       const v1::ListVoicesRequest* request,
                                       v1::ListVoicesResponse* response) override;
  grpc::ServerUnaryReactor* ListRecognizers(grpc::CallbackServerContext* context,
                                            const v1::ListRecognizersRequest* request,
                                            v1::ListRecognizersResponse* response) override;

 private:
  const CallParts parts_;
  SpeechModels* const models_;
  RpcMethodMetrics* const transcribe_metrics_;
  RpcMethodMetrics* const synthesize_metrics_;
  RpcMethodMetrics* const stream_synthesize_metrics_;
  RpcMethodMetrics* const list_voices_metrics_;
  RpcMethodMetrics* const list_recognizers_metrics_;
};

}  // namespace souvenir::gateway
