#include "gateway/rpc/stream_synthesize_call.h"

#include <utility>

#include "common/status_macros.h"
#include "gateway/rpc/call_options.h"
#include "gateway/rpc/raw_message.h"
#include "gateway/rpc/speech_messages.h"

namespace souvenir::gateway {
namespace {

// Sentences that are made ahead of the one that is being sent. Enough for all instances of a model.
constexpr size_t kSentencesAhead = 8;

}  // namespace

grpc::ServerWriteReactor<grpc::ByteBuffer>* StreamSynthesizeCall::Start(
    const CallParts& parts, const SpeechModels& models, RpcMethodMetrics* metrics,
    grpc::CallbackServerContext* context, const grpc::ByteBuffer& bytes) {
  auto* const stream = new EventStream(parts, metrics, context);
  const std::shared_ptr<StreamSynthesizeCall> call(new StreamSynthesizeCall(stream));
  // The request is read first: the log of a refused call has its trace.
  const absl::Status ready = call->Read(bytes, models, context);
  if (!stream->Begin(call, ready)) return stream;
  call->synthesis_.Start(call, kSentencesAhead);
  return stream;
}

absl::Status StreamSynthesizeCall::Read(const grpc::ByteBuffer& bytes, const SpeechModels& models,
                                        grpc::CallbackServerContext* context) {
  const CallParts& parts = stream_->parts();
  v1::SynthesizeRequest message;
  SOUVENIR_RETURN_IF_ERROR(ParseMessage(bytes, parts.max_message_bytes, &message));
  CallOptions options;
  SOUVENIR_RETURN_IF_ERROR(
      ReadCallOptions(parts.trust_tenant_header, *parts.clock(), context, &options));
  caller_.SetOptions(std::move(options.resolve), options.tenant);
  SOUVENIR_ASSIGN_OR_RETURN(const SynthesisRequest request, ReadSynthesizeRequest(message));
  SOUVENIR_RETURN_IF_ERROR(synthesis_.Plan(request, models));
  MutexLock lock(&mutex_);
  ready_.resize(synthesis_.size());
  return absl::OkStatus();
}

// The sentences that have not begun never will, because nothing is written any more.
void StreamSynthesizeCall::Abandon(const absl::Status& reason) {
  caller_.Cancel(reason);
  {
    MutexLock lock(&mutex_);
    gone_ = reason;
    if (std::exchange(is_writing_, true)) return;
  }
  WriteWhatIsReady();
}

void StreamSynthesizeCall::OnSentence(size_t sentence) {
  {
    MutexLock lock(&mutex_);
    ready_[sentence] = true;
    if (std::exchange(is_writing_, true)) return;
  }
  WriteWhatIsReady();
}

void StreamSynthesizeCall::WriteWhatIsReady() {
  while (true) {
    size_t sentence = 0;
    absl::Status gone;
    {
      MutexLock lock(&mutex_);
      gone = gone_;
      if (!gone.ok()) {
        next_ = ready_.size();
      } else if (next_ == ready_.size() || !ready_[next_]) {
        is_writing_ = false;
        return;
      } else {
        sentence = next_++;
      }
    }
    if (!gone.ok()) {
      stream_->CountError(gone);
      return stream_->End(gone);
    }
    const Synthesis::Sentence spoken =
        synthesis_.sentence(sentence, stream_->parts().clock()->Now());
    if (!spoken.status.ok()) {
      // Sentences after a gap would be misleading. Nobody waits for them any more.
      {
        MutexLock lock(&mutex_);
        next_ = ready_.size();
      }
      caller_.Cancel(spoken.status);
      stream_->CountError(spoken.status);
      return stream_->End(spoken.status);
    }
    grpc::ByteBuffer bytes;
    WriteSynthesizedSentence(synthesis_, spoken, &bytes);
    stream_->Write(spoken.status.code(), bytes);
    synthesis_.Release(sentence);
    if (sentence + 1 == synthesis_.size()) return stream_->End(absl::OkStatus());
  }
}

}  // namespace souvenir::gateway
