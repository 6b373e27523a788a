#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/language/provenance.h"
#include "gateway/language/speech/speech_caller.h"
#include "gateway/language/speech/speech_models.h"
#include "gateway/language/speech/speech_tensors.h"
#include "gateway/resolve/resolve_call.h"

namespace souvenir::gateway {

// A segment of a recording with its text. Holds views of the call that was answered, and of the
// recogniser.
struct TranscriptSegment {
  absl::Duration start;  // since the start of the recording
  absl::Duration end;
  absl::Status status;      // if it is an error, nothing was recognised
  Recognition recognition;  // its words have times since the start of the recording
  std::string_view language;
  Provenance provenance;
};

// Asks the model that recognises the segments of one recording, and reads its answers. The same
// samples are the same question, whatever recording they are a part of.
//
// Part of a use case; immutable once it is in its place. Its questions have views of it.
class SegmentRecognizer {
 public:
  // Finds the model for a language, BCP-47 or "" to have it detected. Errors: INVALID_ARGUMENT for
  // a wrong language; NOT_FOUND if there is no model; UNAVAILABLE if compute has never answered.
  static absl::StatusOr<SegmentRecognizer> For(std::string_view language, std::string_view engine,
                                               const SpeechModels& models,
                                               const SpeechCaller& caller);

  // Returns the question for a segment, given as a BYTES element of samples at kSegmentRate, which
  // must outlive the question.
  Question Ask(std::string_view framed_pcm) const;

  // Returns the segment with the samples [start, end) of the recording, as a question of `call` was
  // answered.
  TranscriptSegment Read(const ResolveCall& call, size_t question, int64_t start, int64_t end,
                         absl::Time now) const;

  const std::string& language() const { return language_; }  // canonical; "" if not given

 private:
  std::string language_;
  std::string framed_language_;
  TargetPtr target_;
  bool takes_language_ = false;
};

}  // namespace souvenir::gateway
