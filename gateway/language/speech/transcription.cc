#include "gateway/language/speech/transcription.h"

#include <utility>

#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"
#include "gateway/language/overall_status.h"

namespace souvenir::gateway {

absl::Status Transcription::Plan(TranscriptionRequest request, const SpeechModels& models) {
  if (request.audio.empty()) {
    return absl::InvalidArgumentError("no audio came; a file or raw samples are expected");
  }
  SOUVENIR_ASSIGN_OR_RETURN(
      recognizer_, SegmentRecognizer::For(request.language, request.engine, models, *caller_));
  SOUVENIR_ASSIGN_OR_RETURN(const TargetPtr segmenter, models.directory()->Segmenter());
  SOUVENIR_RETURN_IF_ERROR(caller_->Enter(request.audio.size()));
  framed_audio_ = FrameBytesElement(request.audio);
  Question question{caller_->Ask(segmenter),
                    {TensorView{kAudioTensor, DataType::kBytes, kElementShape, framed_audio_}}};
  if (!request.format.empty()) {
    framed_format_ = FrameBytesElement(request.format);
    question.inputs.push_back(
        TensorView{kFormatTensor, DataType::kBytes, kElementShape, framed_format_});
  }
  segmentation_.call.options = caller_->options();
  segmentation_.call.questions.push_back(std::move(question));
  return absl::OkStatus();
}

void Transcription::Start(const std::shared_ptr<void>& owner) {
  owner_ = owner;
  caller_->scope()->Resolve({owner, &segmentation_.call});
}

void Transcription::OnCut() {
  const std::shared_ptr<void> owner = owner_.lock();  // the call below must not be the last one
  caller_->scope()->Forget(segmentation_.call);
  const Answer& answer = segmentation_.call.answer(0);
  cut_ = answer.status;
  if (cut_.ok()) cut_ = caller_->Hold(answer.entry->value().size());
  if (cut_.ok()) {
    absl::StatusOr<Segmentation> segments = ReadSegmentation(*answer.entry);
    cut_ = segments.status();
    if (cut_.ok()) segments_ = *std::move(segments);
  }
  if (segments_.segments.empty()) return listener_->OnTranscribed();
  recognition_.call.options = caller_->options();
  for (const Segmentation::Segment& segment : segments_.segments) {
    recognition_.call.questions.push_back(recognizer_.Ask(segment.framed_pcm));
  }
  caller_->scope()->Resolve({owner, &recognition_.call});
}

void Transcription::OnRecognised() {
  const std::shared_ptr<void> owner = owner_.lock();
  caller_->scope()->Forget(recognition_.call);
  listener_->OnTranscribed();
}

ResolvedCalls Transcription::calls() const {
  ResolvedCalls calls = {&segmentation_.call};
  if (!recognition_.call.questions.empty()) calls.push_back(&recognition_.call);
  return calls;
}

absl::Status Transcription::OverallStatus() const {
  SOUVENIR_RETURN_IF_ERROR(cut_);
  return OverallStatusOf(recognition_.call);
}

absl::Duration Transcription::duration() const {
  return DurationOfSamples(segments_.samples, kSegmentRate);
}

}  // namespace souvenir::gateway
