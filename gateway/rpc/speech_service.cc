#include "gateway/rpc/speech_service.h"

#include <memory>
#include <optional>
#include <string>

#include "common/grpc/proto_time.h"
#include "common/grpc/unary_calls.h"
#include "common/language/language_tag.h"
#include "common/status_macros.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/provenance_messages.h"
#include "gateway/rpc/raw_message.h"
#include "gateway/rpc/speech_messages.h"
#include "gateway/rpc/stream_synthesize_call.h"
#include "gateway/rpc/stream_transcribe_call.h"
#include "gateway/rpc/translate_speech_call.h"
#include "gateway/rpc/unary_call.h"

namespace souvenir::gateway {
namespace {

// One Transcribe.
class TranscribeCall final : public UnaryCall, public Transcription::Listener {
 public:
  TranscribeCall(const CallParts& parts, RpcMethodMetrics* metrics,
                 grpc::CallbackServerContext* context, const grpc::ByteBuffer& request,
                 grpc::ByteBuffer* response)
      : UnaryCall(parts, metrics, context, request, response),
        caller_(parts.resolver, Lane::kTranscription) {}

  absl::Status Read(const grpc::ByteBuffer& bytes, const SpeechModels& models) {
    v1::TranscribeRequest message;
    SOUVENIR_RETURN_IF_ERROR(ParseMessage(bytes, parts().max_message_bytes, &message));
    CallOptions options;
    SOUVENIR_RETURN_IF_ERROR(
        ReadCallOptions(parts().trust_tenant_header, *parts().clock(), context(), &options));
    caller_.SetOptions(std::move(options.resolve), options.tenant);
    SOUVENIR_ASSIGN_OR_RETURN(TranscriptionRequest request, ReadTranscribeRequest(&message));
    return transcription_.Plan(std::move(request), models);
  }

  void OnTranscribed() override { Done(); }

 private:
  void Begin() override { transcription_.Start(shared_from_this()); }
  void Abandon(const absl::Status& reason) override { caller_.Cancel(reason); }
  const ResolveOptions& options() override { return caller_.options(); }
  ResolvedCalls resolved() override { return transcription_.calls(); }

  absl::Status Respond() override {
    SOUVENIR_RETURN_IF_ERROR(transcription_.OverallStatus());
    const absl::Time now = parts().clock()->Now();
    v1::TranscribeResponse message;
    message.set_language(transcription_.language());
    ToProto(transcription_.duration(), message.mutable_duration());
    DescribeProvenance(transcription_.segmentation_provenance(now), message.mutable_segmentation());
    for (size_t i = 0; i < transcription_.size(); ++i) {
      const TranscriptSegment segment = transcription_.segment(i, now);
      DescribeSegment(segment, message.add_segments());
      call().CountAnswers(segment.status.code());
    }
    if (transcription_.size() == 0) call().CountAnswers(absl::StatusCode::kOk);
    return WriteMessage(message, parts().max_message_bytes, response());
  }
  size_t answers() const override { return transcription_.size(); }

  SpeechCaller caller_;
  Transcription transcription_{this, &caller_};
};

// One Synthesize.
class SynthesizeCall final : public UnaryCall, public Synthesis::Listener {
 public:
  SynthesizeCall(const CallParts& parts, RpcMethodMetrics* metrics,
                 grpc::CallbackServerContext* context, const grpc::ByteBuffer& request,
                 grpc::ByteBuffer* response)
      : UnaryCall(parts, metrics, context, request, response),
        caller_(parts.resolver, Lane::kSynthesis) {}

  absl::Status Read(const grpc::ByteBuffer& bytes, const SpeechModels& models) {
    RequestArena arena;
    auto* const message = arena.Create<v1::SynthesizeRequest>();
    SOUVENIR_RETURN_IF_ERROR(ParseMessage(bytes, parts().max_message_bytes, message));
    CallOptions options;
    SOUVENIR_RETURN_IF_ERROR(
        ReadCallOptions(parts().trust_tenant_header, *parts().clock(), context(), &options));
    caller_.SetOptions(std::move(options.resolve), options.tenant);
    SOUVENIR_ASSIGN_OR_RETURN(const SynthesisRequest request, ReadSynthesizeRequest(*message));
    return synthesis_.Plan(request, models);
  }

  void OnSpoken() override { Done(); }

 private:
  void Begin() override { synthesis_.Start(shared_from_this(), synthesis_.size()); }
  void Abandon(const absl::Status& reason) override { caller_.Cancel(reason); }
  const ResolveOptions& options() override { return caller_.options(); }
  ResolvedCalls resolved() override { return synthesis_.calls(); }

  absl::Status Respond() override {
    SOUVENIR_RETURN_IF_ERROR(synthesis_.OverallStatus());
    WriteSynthesizeResponse(synthesis_, parts().clock()->Now(), response());
    call().CountAnswers(absl::StatusCode::kOk);
    return absl::OkStatus();
  }

  SpeechCaller caller_;
  Synthesis synthesis_{this, &caller_, Synthesis::Files::kOne};
};

}  // namespace

SpeechService::SpeechService(const Options& options, const CallParts& parts, SpeechModels* models,
                             Translator* translator, Executor* executor)
    : parts_(parts),
      models_(models),
      translator_(translator),
      stream_options_{.max_segments = options.max_stream_segments,
                      .max_interim_rows = options.max_interim_rows,
                      .idle_timeout = options.upload_timeout},
      stream_parts_{
          .models = models, .executor = executor, .timers = parts.timers, .clock = parts.clock()},
      transcribe_metrics_(parts.entry->Method("Transcribe")),
      stream_transcribe_metrics_(parts.entry->Method("StreamTranscribe")),
      synthesize_metrics_(parts.entry->Method("Synthesize")),
      stream_synthesize_metrics_(parts.entry->Method("StreamSynthesize")),
      translate_speech_metrics_(parts.entry->Method("TranslateSpeech")),
      list_voices_metrics_(parts.entry->Method("ListVoices")),
      list_recognizers_metrics_(parts.entry->Method("ListRecognizers")) {}

grpc::ServerUnaryReactor* SpeechService::Transcribe(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  const auto call =
      std::make_shared<TranscribeCall>(parts_, transcribe_metrics_, context, *request, response);
  const absl::Status read = call->Read(*request, *models_);
  return read.ok() ? UnaryCall::Run(call) : UnaryCall::Fail(call, read);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* SpeechService::StreamTranscribe(
    grpc::CallbackServerContext* context) {
  return StreamTranscribeCall::Start(parts_, stream_options_, stream_parts_,
                                     stream_transcribe_metrics_, context);
}

grpc::ServerUnaryReactor* SpeechService::Synthesize(grpc::CallbackServerContext* context,
                                                    const grpc::ByteBuffer* request,
                                                    grpc::ByteBuffer* response) {
  const auto call =
      std::make_shared<SynthesizeCall>(parts_, synthesize_metrics_, context, *request, response);
  const absl::Status read = call->Read(*request, *models_);
  return read.ok() ? UnaryCall::Run(call) : UnaryCall::Fail(call, read);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* SpeechService::StreamSynthesize(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  return StreamSynthesizeCall::Start(parts_, *models_, stream_synthesize_metrics_, context,
                                     *request);
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* SpeechService::TranslateSpeech(
    grpc::CallbackServerContext* context) {
  return TranslateSpeechCall::Start(parts_, {models_, translator_},
                                    {stream_options_, stream_parts_}, translate_speech_metrics_,
                                    context);
}

grpc::ServerUnaryReactor* SpeechService::ListVoices(grpc::CallbackServerContext* context,
                                                    const v1::ListVoicesRequest* request,
                                                    v1::ListVoicesResponse* response) {
  return AnswerNow(parts_.entry, list_voices_metrics_, context, response, [&]() -> absl::Status {
    std::string language;
    if (!request->language().empty()) {
      SOUVENIR_ASSIGN_OR_RETURN(language, CheckedLanguageTag(request->language(), "language"));
    }
    const std::shared_ptr<const SpeechDirectory> directory = models_->directory();
    for (const Voice* const voice : directory->Voices(language)) {
      v1::Voice* const listed = response->add_voices();
      listed->set_name(voice->name);
      listed->set_language(voice->language);
      listed->set_description(voice->description);
      listed->set_model(voice->target->model().name());
    }
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* SpeechService::ListRecognizers(grpc::CallbackServerContext* context,
                                                         const v1::ListRecognizersRequest*,
                                                         v1::ListRecognizersResponse* response) {
  return AnswerNow(parts_.entry, list_recognizers_metrics_, context, response, [&] {
    const std::shared_ptr<const SpeechDirectory> directory = models_->directory();
    for (const Recognizer* const recognizer : directory->Recognizers()) {
      v1::Recognizer* const listed = response->add_recognizers();
      listed->set_language(recognizer->language);
      listed->set_model(recognizer->target->model().name());
    }
    return absl::OkStatus();
  });
}

}  // namespace souvenir::gateway
