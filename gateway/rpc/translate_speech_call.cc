#include "gateway/rpc/translate_speech_call.h"

#include <fmt/format.h>

#include <utility>

#include "common/grpc/proto_time.h"
#include "common/grpc/status.h"
#include "common/status_macros.h"
#include "gateway/language/speech/synthesis.h"
#include "gateway/language/translation.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/provenance_messages.h"
#include "gateway/rpc/raw_message.h"
#include "gateway/rpc/speech_messages.h"
#include "gateway/rpc/translation_messages.h"

namespace souvenir::gateway {

// The translations of one segment, and their recordings.
class TranslateSpeechCall::SegmentStory final : private ResolveCall::Listener {
 public:
  SegmentStory(TranslateSpeechCall* call, size_t segment, std::string text)
      : call_(call), segment_(segment), text_(std::move(text)) {}

  // Makes the questions. Errors: see Translation::Plan().
  absl::Status Plan() {
    TranslationRequest request{.text = text_,
                               .source_language = call_->config_.source_language(),
                               .engine = call_->config_.translation_engine()};
    for (const std::string& target : call_->config_.target_languages()) {
      request.target_languages.push_back(target);
    }
    translation_.call().options = call_->caller_.options();
    SOUVENIR_RETURN_IF_ERROR(
        translation_.Plan(request, call_->caller_.tenant(), *call_->models_.translator));
    voices_.resize(translation_.size());
    return absl::OkStatus();
  }

  void Start() {
    for (size_t item = 0; item < translation_.size(); ++item) {
      if (!translation_.IsAsked(item)) OnTranslated(item);
    }
    call_->caller_.scope()->Resolve({call_->shared_from_this(), &translation_.call()});
  }

  void AddCalls(ResolvedCalls* calls) const {
    calls->push_back(&translation_.call());
    for (const auto& voice : voices_) {
      if (voice == nullptr) continue;
      for (const ResolveCall* const call : voice->synthesis.calls()) calls->push_back(call);
    }
  }

  // Returns the voice that the caller wants for a language as given in the request, or "".
  static std::string VoiceFor(const v1::TranslateSpeechConfig& config, std::string_view language) {
    const auto found = config.voices().find(std::string(language));
    return found == config.voices().end() ? "" : found->second;
  }

 private:
  // A translation on its way to a recording.
  struct Voice final : Synthesis::Listener {
    Voice(SegmentStory* story, size_t item)
        : story(story),
          item(item),
          synthesis(this, &story->call_->caller_, Synthesis::Files::kOne) {}
    void OnSpoken() override { story->OnSpoken(*this); }

    SegmentStory* const story;
    const size_t item;
    Synthesis synthesis;
  };

  void OnAnswered(size_t question) override { OnTranslated(translation_.ItemOf(question)); }

  void OnAllAnswered() override {
    call_->caller_.scope()->Forget(translation_.call());
    call_->EndStep();
  }

  void OnTranslated(size_t item) {
    const Translation::Result result =
        translation_.result(item, call_->stream_->parts().clock()->Now());
    v1::TranslateSpeechEvent event;
    v1::SegmentTranslation& told = *event.mutable_translation();
    told.set_segment(static_cast<int32_t>(segment_));
    DescribeTranslation(result, told.mutable_translation());
    call_->Write(result.status.code(), event);
    if (result.status.ok() && !result.text.empty()) Speak(item, result);
  }

  void Speak(size_t item, const Translation::Result& result) {
    const v1::TranslateSpeechConfig& config = call_->config_;
    const absl::StatusOr<AudioContainer> container = ReadContainer(config.container());
    const std::string voice = VoiceFor(config, result.target_language);
    voices_[item] = std::make_unique<Voice>(this, item);
    Synthesis& synthesis = voices_[item]->synthesis;
    const absl::Status planned =
        synthesis.Plan({.text = result.text,
                        .language = result.target_language,
                        .voice = voice,
                        .engine = config.synthesis_engine(),
                        .container = container.value_or(AudioContainer::kWav)},
                       *call_->models_.speech);
    if (!planned.ok()) return TellSpeech(item, planned);
    ++call_->steps_;
    synthesis.Start(call_->shared_from_this(), synthesis.size());
  }

  void OnSpoken(Voice& voice) {
    TellSpeech(voice.item, voice.synthesis.OverallStatus());
    call_->EndStep();
  }

  void TellSpeech(size_t item, const absl::Status& status) {
    const absl::Time now = call_->stream_->parts().clock()->Now();
    v1::TranslateSpeechEvent event;
    v1::SegmentSpeech& told = *event.mutable_speech();
    told.set_segment(static_cast<int32_t>(segment_));
    told.set_target_language(std::string(translation_.result(item, now).target_language));
    if (status.ok()) {
      const Synthesis& synthesis = voices_[item]->synthesis;
      const AudioFile file = synthesis.file();
      std::string* const audio = told.mutable_audio();
      audio->append(file.header);
      for (const std::string_view part : file.parts) audio->append(part);
      told.set_sample_rate_hertz(static_cast<int32_t>(file.sample_rate));
      ToProto(file.duration(), told.mutable_duration());
      told.set_voice(synthesis.voice().name);
      for (size_t i = 0; i < synthesis.size(); ++i) {
        DescribeProvenance(synthesis.sentence(i, now).provenance, told.add_sentences());
      }
    } else {
      DescribeStatus(status, told.mutable_status());
    }
    call_->Write(status.code(), event);
  }

  TranslateSpeechCall* const call_;
  const size_t segment_;
  const std::string text_;
  Translation translation_{this};
  std::vector<std::unique_ptr<Voice>> voices_;  // by target language; null if nothing is spoken
};

EventExchange* TranslateSpeechCall::Start(const CallParts& parts, const Models& models,
                                          const Streaming& streaming, RpcMethodMetrics* metrics,
                                          grpc::CallbackServerContext* context) {
  auto* const stream = new EventExchange(parts, metrics, context);
  const std::shared_ptr<TranslateSpeechCall> call(
      new TranslateSpeechCall(stream, models, streaming));
  CallOptions options;
  absl::Status ready =
      ReadCallOptions(parts.trust_tenant_header, *parts.clock(), context, &options);
  call->caller_.SetOptions(std::move(options.resolve), options.tenant);
  if (ready.ok()) ready = call->caller_.Enter(0);
  if (!stream->Begin(call, ready)) return stream;
  call->BeginUpload(streaming.options.idle_timeout);
  stream->ReadNext();
  return stream;
}

TranslateSpeechCall::TranslateSpeechCall(EventExchange* stream, const Models& models,
                                         const Streaming& streaming)
    : stream_(stream),
      models_(models),
      stream_refusal_(stream->parts().entry->Refusal()),
      caller_(stream->parts().resolver, Lane::kSpeech),
      live_(streaming.options, streaming.parts, this, &caller_) {}

TranslateSpeechCall::~TranslateSpeechCall() = default;

void TranslateSpeechCall::BeginUpload(absl::Duration timeout) {
  const CallParts& parts = stream_->parts();
  {
    MutexLock lock(&upload_mutex_);
    is_uploading_ = true;
    upload_timer_ = parts.timers->Schedule(
        parts.clock()->Monotonic() + timeout, [weak = weak_from_this(), timeout] {
          if (const std::shared_ptr<TranslateSpeechCall> call = weak.lock()) {
            call->GiveUpUpload(absl::DeadlineExceededError(fmt::format(
                "the recording has not come within {}", absl::FormatDuration(timeout))));
          }
        });
  }
  if (!parts.entry->streams()->Add(shared_from_this())) Stop();
}

void TranslateSpeechCall::Stop() {
  if (!GiveUpUpload(stream_refusal_) && is_live_) live_.Finish(stream_refusal_);
}

bool TranslateSpeechCall::GiveUpUpload(const absl::Status& reason) {
  MutexLock lock(&upload_mutex_);
  if (!std::exchange(is_uploading_, false)) return false;
  stream_->parts().entry->streams()->Remove(this);
  stream_->Stop(reason);
  return true;
}

void TranslateSpeechCall::Abandon(const absl::Status& reason) {
  if (is_live_) return live_.Cancel(reason);
  caller_.Cancel(reason);
}

void TranslateSpeechCall::EndUpload() {
  const CallParts& parts = stream_->parts();
  parts.entry->streams()->Remove(this);
  MutexLock lock(&upload_mutex_);
  is_uploading_ = false;
  parts.timers->Cancel(upload_timer_);
}

absl::Status TranslateSpeechCall::OnMessage(const grpc::ByteBuffer& message) {
  const absl::Status taken = Take(message);
  if (is_live_) {  // the transcription ends the call, after its last segment, and reads on
    if (!taken.ok()) live_.Finish(taken);
    return absl::OkStatus();
  }
  if (taken.ok()) {
    stream_->ReadNext();
  } else {
    EndUpload();
  }
  return taken;
}

absl::Status TranslateSpeechCall::Take(const grpc::ByteBuffer& message) {
  const size_t most = stream_->parts().max_message_bytes;
  v1::TranslateSpeechRequest request;
  SOUVENIR_RETURN_IF_ERROR(ParseMessage(message, most, &request));
  if (request.has_config() == has_config_) {
    return absl::InvalidArgumentError(
        has_config_ ? "a second configuration came; expected is audio"
                    : "the first message has no configuration; expected is `config`");
  }
  if (!has_config_) {
    has_config_ = true;
    config_ = std::move(*request.mutable_config());
    SOUVENIR_RETURN_IF_ERROR(ReadContainer(config_.container()).status());
    SOUVENIR_ASSIGN_OR_RETURN(
        const std::string format,
        ReadAudioFormat(config_.encoding(), config_.sample_rate_hertz(), config_.channels()));
    if (format.empty()) return absl::OkStatus();
    SOUVENIR_RETURN_IF_ERROR(TryLanguages());
    BeginLive(format);
    return absl::OkStatus();
  }
  received_ += request.audio().size();
  if (received_ > most) {
    return absl::ResourceExhaustedError(
        fmt::format("the recording has more than {} bytes, which is the limit of a request", most));
  }
  if (is_live_) {
    live_.Add(std::move(*request.mutable_audio()));
    return absl::OkStatus();
  }
  SOUVENIR_RETURN_IF_ERROR(caller_.Hold(request.audio().size()));
  audio_.append(request.audio());
  return absl::OkStatus();
}

absl::Status TranslateSpeechCall::TryLanguages() {
  // A request that no segment could fulfil fails before anything is computed.
  SegmentStory trial(this, 0, "");
  return trial.Plan();
}

void TranslateSpeechCall::BeginLive(const std::string& format) {
  {
    MutexLock lock(&upload_mutex_);
    if (!std::exchange(is_uploading_, false)) return;
    stream_->parts().timers->Cancel(upload_timer_);
    is_live_ = true;
  }
  live_request_ = {.format = format,
                   .language = config_.source_language(),
                   .engine = config_.recognition_engine()};
  live_.Start(shared_from_this());
}

void TranslateSpeechCall::OnLastMessage() {
  if (is_live_) return live_.Finish(absl::OkStatus());
  EndUpload();
  const absl::Status begun = Begin();
  if (!begun.ok()) {
    stream_->CountError(begun);
    return stream_->End(begun);
  }
  transcription_.Start(shared_from_this());
}

absl::Status TranslateSpeechCall::Begin() {
  if (!has_config_) {
    return absl::InvalidArgumentError("no message came; expected is a configuration, then audio");
  }
  SOUVENIR_RETURN_IF_ERROR(TryLanguages());
  TranscriptionRequest request;
  // The transcription counts the bytes itself.
  caller_.Drop(audio_.size());
  request.audio = std::move(audio_);
  request.language = config_.source_language();
  request.engine = config_.recognition_engine();
  return transcription_.Plan(std::move(request), *models_.speech);
}

void TranslateSpeechCall::OnSegment(size_t segment) {
  Tell(segment, transcription_.segment(segment, stream_->parts().clock()->Now()));
}

void TranslateSpeechCall::OnReady() {
  if (std::exchange(is_live_configured_, true)) return stream_->ReadNext();
  live_.Configure(live_request_);
}

void TranslateSpeechCall::OnSegment(const TranscriptSegment& segment) {
  Tell(live_segments_++, segment);
  live_.OnTaken();
}

void TranslateSpeechCall::OnEnd(const absl::Status& status) {
  stream_->parts().entry->streams()->Remove(this);
  live_status_ = status;
  EndStep();
}

void TranslateSpeechCall::Tell(size_t segment, const TranscriptSegment& heard) {
  v1::TranslateSpeechEvent event;
  event.mutable_segment()->set_segment(static_cast<int32_t>(segment));
  DescribeSegment(heard, event.mutable_segment()->mutable_transcript());
  Write(heard.status.code(), event);
  if (!heard.status.ok() || heard.recognition.text.empty()) return;
  auto story = std::make_unique<SegmentStory>(this, segment, std::string(heard.recognition.text));
  SegmentStory* const begun = story.get();
  if (const absl::Status planned = begun->Plan(); !planned.ok()) {
    // The languages were tried before, so the text is at fault.
    for (const std::string& target : config_.target_languages()) {
      v1::TranslateSpeechEvent refused;
      refused.mutable_translation()->set_segment(static_cast<int32_t>(segment));
      v1::Translation& translation = *refused.mutable_translation()->mutable_translation();
      translation.set_target_language(target);
      DescribeStatus(planned, translation.mutable_status());
      Write(planned.code(), refused);
    }
    return;
  }
  ++steps_;
  {
    MutexLock lock(&mutex_);
    stories_.push_back(std::move(story));
  }
  begun->Start();
}

void TranslateSpeechCall::OnTranscribed() { EndStep(); }

void TranslateSpeechCall::EndStep() {
  if (--steps_ > 0) return;
  const absl::Status status = is_live_ ? live_status_ : transcription_.OverallStatus();
  // The events of a file's segments have told their errors.
  if (!status.ok() && (is_live_ || transcription_.size() == 0)) stream_->CountError(status);
  if (status.ok()) {
    v1::TranslateSpeechEvent event;
    v1::TranslateSpeechSummary& summary = *event.mutable_summary();
    if (is_live_) {
      ToProto(live_.duration(), summary.mutable_duration());
      summary.set_segments(static_cast<int32_t>(live_segments_));
    } else {
      ToProto(transcription_.duration(), summary.mutable_duration());
      summary.set_segments(static_cast<int32_t>(transcription_.size()));
      DescribeProvenance(transcription_.segmentation_provenance(stream_->parts().clock()->Now()),
                         summary.mutable_segmentation());
    }
    Write(absl::StatusCode::kOk, event);
  }
  stream_->End(status);
}

void TranslateSpeechCall::Write(absl::StatusCode code, const v1::TranslateSpeechEvent& event) {
  grpc::ByteBuffer bytes;
  // Events are smaller than the limits of what they are made of.
  if (WriteMessage(event, SIZE_MAX, &bytes).ok()) stream_->Write(code, bytes);
}

ResolvedCalls TranslateSpeechCall::resolved() const {
  if (steps_ > 0) return {};  // refused, or ended before the transcription began
  ResolvedCalls calls;
  if (!is_live_) calls = transcription_.calls();
  MutexLock lock(&mutex_);
  for (const auto& story : stories_) story->AddCalls(&calls);
  return calls;
}

}  // namespace souvenir::gateway
