#include "gateway/language/speech/segment_recognizer.h"

#include <memory>
#include <utility>

#include "common/language/language_tag.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"

namespace souvenir::gateway {

absl::StatusOr<SegmentRecognizer> SegmentRecognizer::For(std::string_view language,
                                                         std::string_view engine,
                                                         const SpeechModels& models,
                                                         const SpeechCaller& caller) {
  SegmentRecognizer recognizer;
  if (!language.empty()) {
    SOUVENIR_ASSIGN_OR_RETURN(recognizer.language_, CheckedLanguageTag(language, "language"));
  }
  SOUVENIR_RETURN_IF_ERROR(models.CheckKnown());
  const std::shared_ptr<const SpeechDirectory> directory = models.directory();
  SOUVENIR_ASSIGN_OR_RETURN(const Recognizer* const found,
                            directory->FindRecognizer(recognizer.language_, engine));
  recognizer.takes_language_ = found->takes_language;
  recognizer.target_ = caller.Ask(found->target);
  recognizer.framed_language_ = FrameBytesElement(recognizer.language_);
  return recognizer;
}

Question SegmentRecognizer::Ask(std::string_view framed_pcm) const {
  Question question{target_,
                    {TensorView{kAudioTensor, DataType::kBytes, kElementRowShape, framed_pcm}}};
  if (takes_language_) {
    question.inputs.push_back(
        TensorView{kLanguageTensor, DataType::kBytes, kElementRowShape, framed_language_});
  }
  return question;
}

TranscriptSegment SegmentRecognizer::Read(const ResolveCall& call, size_t question, int64_t start,
                                          int64_t end, absl::Time now) const {
  const Answer& answer = call.answer(question);
  TranscriptSegment segment{.start = DurationOfSamples(start, kSegmentRate),
                            .end = DurationOfSamples(end, kSegmentRate),
                            .status = answer.status,
                            .language = language_,
                            .provenance = ProvenanceOf(call, question, now)};
  if (!segment.status.ok()) return segment;
  absl::StatusOr<Recognition> recognition = ReadRecognition(*answer.entry);
  segment.status = recognition.status();
  if (!recognition.ok()) return segment;
  segment.recognition = *std::move(recognition);
  if (!segment.recognition.language.empty()) segment.language = segment.recognition.language;
  for (Recognition::Word& word : segment.recognition.words) {
    word.start += segment.start;
    word.end += segment.start;
  }
  return segment;
}

}  // namespace souvenir::gateway
