#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "gateway/language/provenance.h"
#include "gateway/language/speech/segment_recognizer.h"
#include "gateway/language/speech/speech_caller.h"
#include "gateway/language/speech/speech_models.h"
#include "gateway/language/speech/speech_tensors.h"
#include "gateway/resolve/resolve_call.h"

namespace souvenir::gateway {

struct TranscriptionRequest {
  std::string audio;  // a file, or raw samples
  // The form of raw samples, as models for segmentation take it: "s16le;rate=44100;channels=2". ""
  // for a file.
  std::string format;
  std::string_view language;  // BCP-47; "" to have it detected
  std::string_view engine;    // "" means any
};

// Turns one recording into a text, without any protocol. One model cuts it into segments;
// another recognises them, all at once.
//
//   Transcription transcription(&listener, &caller);
//   transcription.Plan(request, models);    // an error ends it
//   transcription.Start(<shared pointer to the owner>);
//   ... listener.OnTranscribed() ...
//   transcription.OverallStatus(), transcription.segment(i, now)
//
// Part of the handler of a request, which is the listener. Plan() and Start() are called once, in
// this order, by one thread.
class Transcription {
 public:
  // Receives events on the thread that brings them, which may be the one in Start(). Must not
  // block.
  class Listener {
   public:
    // A segment was recognised, or has failed. Called once for each, in any order.
    virtual void OnSegment(size_t segment) {}
    // Nothing more comes. Called once.
    virtual void OnTranscribed() = 0;

   protected:
    ~Listener() = default;
  };

  // `caller` must outlive this, and have its options.
  Transcription(Listener* listener, SpeechCaller* caller)
      : listener_(listener), caller_(caller), segmentation_(this), recognition_(this) {}

  // Finds the models and makes the first question. Errors: INVALID_ARGUMENT if the request is
  // wrong; NOT_FOUND if a model is missing; UNAVAILABLE if compute has never answered;
  // RESOURCE_EXHAUSTED if the lane is full.
  absl::Status Plan(TranscriptionRequest request, const SpeechModels& models);

  // Begins. `owner` keeps this object alive until OnTranscribed() has returned.
  void Start(const std::shared_ptr<void>& owner);

  // The calls that are answered, for statistics. REQUIRES: Start() was not called, or
  // OnTranscribed() was.
  ResolvedCalls calls() const;

  // The functions below REQUIRE that OnTranscribed() was called; segment() only that OnSegment()
  // was called for it.

  // Returns an error if there are no segments because the recording could not be cut, or if none of
  // them could be recognised because compute is away or the caller's time is up.
  absl::Status OverallStatus() const;

  // Canonical; "" if it was not given.
  const std::string& language() const { return recognizer_.language(); }
  absl::Duration duration() const;  // of the recording
  Provenance segmentation_provenance(absl::Time now) const {
    return ProvenanceOf(segmentation_.call, 0, now);
  }
  size_t size() const { return segments_.segments.size(); }
  TranscriptSegment segment(size_t i, absl::Time now) const {
    const Segmentation::Segment& cut = segments_.segments[i];
    return recognizer_.Read(recognition_.call, i, cut.start, cut.end, now);
  }

 private:
  // The two steps listen to their calls.
  struct Cutting final : ResolveCall::Listener {
    explicit Cutting(Transcription* transcription) : owner(transcription) {}
    void OnAllAnswered() override { owner->OnCut(); }
    Transcription* const owner;
    ResolveCall call{this};
  };
  struct Recognising final : ResolveCall::Listener {
    explicit Recognising(Transcription* transcription) : owner(transcription) {}
    void OnAnswered(size_t question) override { owner->listener_->OnSegment(question); }
    void OnAllAnswered() override { owner->OnRecognised(); }
    Transcription* const owner;
    ResolveCall call{this};
  };

  void OnCut();
  void OnRecognised();

  Listener* const listener_;
  SpeechCaller* const caller_;
  std::weak_ptr<void> owner_;

  SegmentRecognizer recognizer_;
  std::string framed_audio_;
  std::string framed_format_;

  Cutting segmentation_;
  absl::Status cut_;       // why there are no segments
  Segmentation segments_;  // views of the answer of `segmentation_`
  Recognising recognition_;
};

}  // namespace souvenir::gateway
