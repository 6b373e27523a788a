#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/audio/energy_voice_activity.h"
#include "common/audio/voice_activity.h"

namespace souvenir {

// A piece of a recording with speech.
struct SpeechSegment {
  int64_t start = 0;  // first sample, from the start of the recording, at kSpeechRate
  int64_t end = 0;    // one past the last sample
  std::vector<int16_t> samples;
};

// Cuts a recording at its pauses into segments of speech. Samples come in pieces of any size, and
// the segments do not depend on the pieces. Segments come in their order and do not overlap. Speech
// without a pause is cut at its quietest place before it gets too long; such segments touch, so
// that no sample is lost.
//
// Owned by its user; not thread-safe. Memory is bounded by max_segment_ms, time is linear. A
// segment comes as soon as the pause after it has lasted hangover_ms + min_gap_ms.
//
//   SOUVENIR_ASSIGN_OR_RETURN(auto cutter, SegmentCutter::Create({}));
//   cutter->Add(samples, &segments);
//   cutter->Finish(&segments);
class SegmentCutter {
 public:
  // Times are multiples of a frame of the voice activity, rounded up.
  struct Options {
    EnergyVoiceActivity::Options voice;  // if Create() is given no voice activity
    int min_speech_ms = 100;             // less speech between two pauses is left out; 0 to 5,000
    int hangover_ms = 100;               // after its last frame speech goes on so long; 0 to 2,000
    int min_gap_ms = 400;         // after the hang-over, a shorter pause does not cut; 10 to 10,000
    int padding_before_ms = 200;  // before speech, for soft beginnings
    int padding_after_ms = 200;   // after it; both together at most min_gap_ms
    // The longest segment; 1,000 to 120,000, and at least twice hangover_ms + min_gap_ms.
    int max_segment_ms = 20'000;
    // The quietest place is looked for in the last part of a segment that has become too long; 100
    // to half of max_segment_ms.
    int cut_search_ms = 5'000;
  };

  // Uses `voice`, or an EnergyVoiceActivity if that is null. INVALID_ARGUMENT names an option out
  // of its range.
  static absl::StatusOr<std::unique_ptr<SegmentCutter>> Create(
      const Options& options, std::unique_ptr<VoiceActivity> voice = nullptr);

  // Takes the next samples, and appends the segments that are complete now. REQUIRES: Finish() was
  // not called.
  void Add(absl::Span<const int16_t> samples, std::vector<SpeechSegment>* segments);

  // Ends the recording, and appends the last segment if there is one.
  void Finish(std::vector<SpeechSegment>* segments);

  // Returns the number of samples so far.
  int64_t samples() const { return first_ + static_cast<int64_t>(kept_.size()); }

  // A segment that has begun and not ended. More speech makes it longer, a pause ends it, and it
  // may still be cut.
  struct OpenSegment {
    int64_t start = 0;  // as in SpeechSegment
    // The samples that it would have if the recording ended now; valid until the next call.
    absl::Span<const int16_t> samples;
  };
  // Returns the open segment, or nothing if there is none or it has too little speech yet.
  std::optional<OpenSegment> open() const;

  // Returns the number of samples that are kept for segments to come.
  size_t kept_samples() const { return kept_.size(); }

 private:
  SegmentCutter(const Options& options, std::unique_ptr<VoiceActivity> voice);

  int64_t InFrames(int ms) const;

  // Looks at the next frame.
  void TakeFrame(absl::Span<const int16_t> frame, std::vector<SpeechSegment>* segments);

  // Returns true if the open segment has enough speech to be told.
  bool HasEnoughSpeech() const;

  // Ends the open segment after its last speech.
  void Close(std::vector<SpeechSegment>* segments);

  // Cuts the open segment, which is as long as it may be, at its quietest place.
  void Cut(std::vector<SpeechSegment>* segments);

  // Appends the segment [start_, end).
  void Emit(int64_t end, std::vector<SpeechSegment>* segments);

  // Drops samples that no segment can have any more.
  void Trim();

  // Lengths in samples, multiples of a frame, but for min_speech_frames_.
  const std::unique_ptr<VoiceActivity> voice_;
  const int64_t frame_;
  const int64_t min_speech_frames_;
  const int64_t hangover_;
  const int64_t min_gap_;
  const int64_t padding_before_;
  const int64_t padding_after_;
  const int64_t max_segment_;
  const int64_t cut_search_;

  std::vector<int16_t> kept_;  // samples from first_
  int64_t first_ = 0;
  int64_t seen_ = 0;      // one past the last frame that was looked at
  int64_t last_end_ = 0;  // of the last segment
  int64_t recording_end_ = std::numeric_limits<int64_t>::max();  // known after Finish()

  bool open_ = false;             // a segment has begun
  int64_t start_ = 0;             // of the open segment
  int64_t speech_end_ = 0;        // one past its last frame with speech
  int64_t speech_frames_ = 0;     // its frames with speech
  bool is_continuation_ = false;  // it goes on after a cut
  std::deque<double> powers_;     // of the last frames of the open segment, at most cut_search_
};

}  // namespace souvenir
