#include "common/audio/segment_cutter.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/audio/speech_rate.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

constexpr int kSamplesOfMs = kSpeechRate / 1000;

// The time over which loudness is averaged where a place to cut is looked for. A single quiet frame
// may lie inside of a sound.
constexpr int kQuietMs = 50;

absl::Status InRange(std::string_view name, int value, int least, int most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("SegmentCutter: {} is {}; it must be from {} to {}", name, value, least, most));
}

absl::Status Check(const SegmentCutter::Options& options) {
  SOUVENIR_RETURN_IF_ERROR(InRange("min_speech_ms", options.min_speech_ms, 0, 5'000));
  SOUVENIR_RETURN_IF_ERROR(InRange("hangover_ms", options.hangover_ms, 0, 2'000));
  SOUVENIR_RETURN_IF_ERROR(InRange("min_gap_ms", options.min_gap_ms, 10, 10'000));
  SOUVENIR_RETURN_IF_ERROR(
      InRange("padding_before_ms", options.padding_before_ms, 0, options.min_gap_ms));
  // More would overlap with the next segment.
  SOUVENIR_RETURN_IF_ERROR(InRange("padding_after_ms", options.padding_after_ms, 0,
                                   options.min_gap_ms - options.padding_before_ms));
  // Otherwise what follows a cut could be silence as long as a segment.
  const int least = std::max(1'000, 2 * (options.hangover_ms + options.min_gap_ms));
  SOUVENIR_RETURN_IF_ERROR(InRange("max_segment_ms", options.max_segment_ms, least, 120'000));
  return InRange("cut_search_ms", options.cut_search_ms, 100, options.max_segment_ms / 2);
}

// Returns the variance of a frame: its power without an offset.
double Variance(absl::Span<const int16_t> frame) {
  int64_t sum = 0;
  int64_t squares = 0;
  for (const int16_t sample : frame) {
    sum += sample;
    squares += int64_t{sample} * sample;
  }
  const auto count = static_cast<double>(frame.size());
  const double mean = static_cast<double>(sum) / count;
  return static_cast<double>(squares) / count - mean * mean;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SegmentCutter>> SegmentCutter::Create(
    const Options& options, std::unique_ptr<VoiceActivity> voice) {
  SOUVENIR_RETURN_IF_ERROR(Check(options));
  if (voice == nullptr) {
    SOUVENIR_ASSIGN_OR_RETURN(voice, EnergyVoiceActivity::Create(options.voice));
  }
  return std::unique_ptr<SegmentCutter>(new SegmentCutter(options, std::move(voice)));
}

SegmentCutter::SegmentCutter(const Options& options, std::unique_ptr<VoiceActivity> voice)
    : voice_(std::move(voice)),
      frame_(static_cast<int64_t>(voice_->frame_samples())),
      min_speech_frames_(std::max<int64_t>(1, InFrames(options.min_speech_ms))),
      hangover_(InFrames(options.hangover_ms) * frame_),
      min_gap_(InFrames(options.min_gap_ms) * frame_),
      padding_before_(InFrames(options.padding_before_ms) * frame_),
      padding_after_(InFrames(options.padding_after_ms) * frame_),
      max_segment_(InFrames(options.max_segment_ms) * frame_),
      cut_search_(InFrames(options.cut_search_ms) * frame_) {}

int64_t SegmentCutter::InFrames(int ms) const {
  return (int64_t{ms} * kSamplesOfMs + frame_ - 1) / frame_;
}

void SegmentCutter::Add(absl::Span<const int16_t> samples, std::vector<SpeechSegment>* segments) {
  // Frames are taken one by one, so that no more is kept than a segment and a frame.
  while (!samples.empty()) {
    const auto missing = static_cast<size_t>(seen_ + frame_ - this->samples());
    const size_t count = std::min(missing, samples.size());
    kept_.insert(kept_.end(), samples.begin(), samples.begin() + static_cast<ptrdiff_t>(count));
    samples.remove_prefix(count);
    if (count < missing) return;
    TakeFrame(absl::MakeConstSpan(kept_).last(static_cast<size_t>(frame_)), segments);
    Trim();
  }
}

void SegmentCutter::Finish(std::vector<SpeechSegment>* segments) {
  const int64_t end = samples();
  recording_end_ = end;
  if (seen_ < end) {
    // The rest is less than a frame. Its last sample is repeated, which adds no sound.
    std::vector<int16_t> frame(kept_.end() - static_cast<ptrdiff_t>(end - seen_), kept_.end());
    frame.resize(static_cast<size_t>(frame_), frame.back());
    TakeFrame(frame, segments);
  }
  if (open_) Close(segments);
  kept_.clear();
  first_ = end;
}

void SegmentCutter::TakeFrame(absl::Span<const int16_t> frame,
                              std::vector<SpeechSegment>* segments) {
  const bool has_speech = voice_->HasSpeech(frame);
  const int64_t begin = seen_;
  seen_ += frame_;
  if (!open_) {
    if (!has_speech) return;
    open_ = true;
    is_continuation_ = false;
    start_ = std::max(last_end_, begin - padding_before_);
    speech_frames_ = 0;
    powers_.clear();
  }
  if (has_speech) {
    speech_end_ = seen_;
    ++speech_frames_;
  }
  powers_.push_back(Variance(frame));
  if (static_cast<int64_t>(powers_.size()) * frame_ > cut_search_) powers_.pop_front();
  if (seen_ - speech_end_ >= hangover_ + min_gap_) {
    Close(segments);
  } else if (seen_ - start_ >= max_segment_) {
    Cut(segments);
  }
}

bool SegmentCutter::HasEnoughSpeech() const {
  // After a cut even a short end belongs to what was said before.
  return speech_frames_ >= (is_continuation_ ? 1 : min_speech_frames_);
}

std::optional<SegmentCutter::OpenSegment> SegmentCutter::open() const {
  if (!open_ || !HasEnoughSpeech()) return std::nullopt;
  const int64_t end = std::min(seen_, speech_end_ + hangover_ + padding_after_);
  return OpenSegment{start_,
                     absl::MakeConstSpan(kept_).subspan(static_cast<size_t>(start_ - first_),
                                                        static_cast<size_t>(end - start_))};
}

void SegmentCutter::Close(std::vector<SpeechSegment>* segments) {
  open_ = false;
  if (HasEnoughSpeech()) {
    Emit(std::min(recording_end_, speech_end_ + hangover_ + padding_after_), segments);
  }
}

void SegmentCutter::Cut(std::vector<SpeechSegment>* segments) {
  const auto count = static_cast<int64_t>(powers_.size());
  const int64_t width = std::clamp<int64_t>(kQuietMs * kSamplesOfMs / frame_, 1, count);
  double quietest = 0;
  int64_t at = 0;
  for (int64_t i = 0; i + width <= count; ++i) {
    double power = 0;
    for (int64_t k = i; k < i + width; ++k) power += powers_[static_cast<size_t>(k)];
    // The last of equal places makes the longest segment.
    if (i == 0 || power <= quietest) {
      quietest = power;
      at = i;
    }
  }
  const int64_t cut = seen_ - (count - at - width / 2) * frame_;
  Emit(cut, segments);
  start_ = cut;
  is_continuation_ = true;
  // The frames after the cut are those of the next segment.
  powers_.erase(powers_.begin(), powers_.begin() + static_cast<ptrdiff_t>(
                                                       (cut - (seen_ - count * frame_)) / frame_));
  // Speech that ended before the cut is in the segment before it.
  speech_frames_ = speech_end_ > cut ? 1 : 0;
}

void SegmentCutter::Emit(int64_t end, std::vector<SpeechSegment>* segments) {
  const auto from = kept_.begin() + static_cast<ptrdiff_t>(start_ - first_);
  segments->push_back({start_, end, {from, from + static_cast<ptrdiff_t>(end - start_)}});
  last_end_ = end;
}

void SegmentCutter::Trim() {
  const int64_t needed = open_ ? start_ : std::max(last_end_, seen_ - padding_before_);
  // Seldom, so that the samples that stay are not moved for each frame.
  if (needed - first_ < kSpeechRate) return;
  kept_.erase(kept_.begin(), kept_.begin() + static_cast<ptrdiff_t>(needed - first_));
  first_ = needed;
}

}  // namespace souvenir
