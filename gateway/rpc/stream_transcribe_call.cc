#include "gateway/rpc/stream_transcribe_call.h"

#include <cstdint>
#include <utility>

#include "common/grpc/proto_time.h"
#include "common/status_macros.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/raw_message.h"
#include "gateway/rpc/speech_messages.h"

namespace souvenir::gateway {
namespace {

grpc::ByteBuffer BytesOf(const v1::StreamTranscribeResponse& event) {
  grpc::ByteBuffer bytes;
  // A segment is smaller than the answer that it is made of, so no limit is needed.
  (void)WriteMessage(event, SIZE_MAX, &bytes);
  return bytes;
}

}  // namespace

EventExchange* StreamTranscribeCall::Start(const CallParts& parts,
                                           const StreamTranscription::Options& options,
                                           const StreamTranscription::Parts& speech,
                                           RpcMethodMetrics* metrics,
                                           grpc::CallbackServerContext* context) {
  auto* const stream = new EventExchange(parts, metrics, context);
  const std::shared_ptr<StreamTranscribeCall> call(
      new StreamTranscribeCall(stream, options, speech));
  CallOptions call_options;
  absl::Status ready =
      ReadCallOptions(parts.trust_tenant_header, *parts.clock(), context, &call_options);
  call->caller_.SetOptions(std::move(call_options.resolve), call_options.tenant);
  if (ready.ok()) ready = call->caller_.Enter(0);
  if (!stream->Begin(call, ready)) return stream;
  if (!parts.entry->streams()->Add(call)) call->Stop();
  call->transcription_.Start(call);
  return stream;
}

StreamTranscribeCall::StreamTranscribeCall(EventExchange* stream,
                                           const StreamTranscription::Options& options,
                                           const StreamTranscription::Parts& speech)
    : stream_(stream),
      stream_refusal_(stream->parts().entry->Refusal()),
      caller_(stream->parts().resolver, Lane::kTranscription),
      transcription_(options, speech, this, &caller_) {}

absl::Status StreamTranscribeCall::OnMessage(const grpc::ByteBuffer& message) {
  if (const absl::Status taken = Take(message); !taken.ok()) transcription_.Finish(taken);
  return absl::OkStatus();
}

absl::Status StreamTranscribeCall::Take(const grpc::ByteBuffer& message) {
  v1::StreamTranscribeRequest request;
  SOUVENIR_RETURN_IF_ERROR(ParseMessage(message, stream_->parts().max_message_bytes, &request));
  if (request.has_config() == has_config_) {
    return absl::InvalidArgumentError(
        has_config_ ? "a second configuration came; expected is audio"
                    : "the first message has no configuration; expected is `config`");
  }
  if (has_config_) {
    transcription_.Add(std::move(*request.mutable_audio()));
    return absl::OkStatus();
  }
  has_config_ = true;
  omit_words_ = request.config().omit_words();
  SOUVENIR_ASSIGN_OR_RETURN(const StreamTranscriptionRequest asked,
                            ReadStreamTranscribeConfig(request.config()));
  transcription_.Configure(asked);
  return absl::OkStatus();
}

void StreamTranscribeCall::OnLastMessage() {
  transcription_.Finish(has_config_ ? absl::OkStatus()
                                    : absl::InvalidArgumentError("no message came; expected is a "
                                                                 "configuration, then audio"));
}

void StreamTranscribeCall::OnSegment(const TranscriptSegment& segment) {
  v1::StreamTranscribeResponse event;
  Describe(segment, event.mutable_segment());
  stream_->Write(segment.status.code(), BytesOf(event));
}

void StreamTranscribeCall::OnInterim(const TranscriptSegment& segment) {
  v1::StreamTranscribeResponse event;
  Describe(segment, event.mutable_interim());
  stream_->Write(BytesOf(event));
}

void StreamTranscribeCall::Describe(const TranscriptSegment& segment,
                                    v1::TranscriptSegment* message) const {
  DescribeSegment(segment, message);
  if (omit_words_) message->clear_words();
}

void StreamTranscribeCall::OnEnd(const absl::Status& status) {
  stream_->parts().entry->streams()->Remove(this);
  if (status.ok()) {
    v1::StreamTranscribeResponse event;
    v1::StreamTranscribeSummary& summary = *event.mutable_summary();
    ToProto(transcription_.duration(), summary.mutable_duration());
    summary.set_segments(static_cast<int64_t>(transcription_.segments()));
    summary.set_language(transcription_.language());
    stream_->Write(BytesOf(event));
  }
  // Segments were counted one by one. Silence is an answer, too.
  if (!status.ok() || transcription_.segments() == 0) stream_->CountError(status);
  stream_->End(status);
}

}  // namespace souvenir::gateway
