#include "compute-service/backends/audio/segmentation.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "absl/types/span.h"
#include "common/audio/audio_file.h"
#include "common/audio/pcm_decoder.h"
#include "common/audio/pcm_format.h"
#include "common/audio/segment_cutter.h"
#include "common/audio/speech_sampler.h"
#include "common/byte_codec.h"
#include "common/status_macros.h"
#include "common/tensor/bytes_elements.h"

namespace souvenir::compute {
namespace {

// Bytes of raw audio that are decoded at once.
constexpr size_t kPieceBytes = 1 << 16;

// Samples of all channels in one recording: three hours of stereo at 48 kHz. A file of a few
// kilobytes can claim to be longer, and would keep the worker busy.
constexpr int64_t kMostSamples = int64_t{1} << 30;

// Takes the frames of a recording, and keeps what becomes of them. Owned by CutRecording().
class Recording {
 public:
  static absl::StatusOr<Recording> Create(int rate, int channels, bool keep_pcm,
                                          const AudioSettings& settings) {
    SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<SpeechSampler> sampler,
                              SpeechSampler::Create(rate, channels));
    SOUVENIR_ASSIGN_OR_RETURN(std::unique_ptr<SegmentCutter> cutter,
                              SegmentCutter::Create(settings.cutter));
    return Recording(rate, channels, keep_pcm, settings, std::move(sampler), std::move(cutter));
  }

  absl::Status Add(absl::Span<const float> frames) {
    taken_ += static_cast<int64_t>(frames.size());
    if (taken_ > settings_.max_seconds * rate_ * channels_) {
      return absl::InvalidArgumentError(
          fmt::format("the recording is longer than {} seconds, the limit of one request "
                      "(max_seconds); cut it, or send it as a stream",
                      settings_.max_seconds));
    }
    if (taken_ > kMostSamples) {
      return absl::InvalidArgumentError(
          fmt::format("the recording has more than {} samples in its {} channels at {} Hz; cut it, "
                      "or send it as a stream",
                      kMostSamples, channels_, rate_));
    }
    SOUVENIR_RETURN_IF_ERROR(sampler_->Add(frames, &samples_));
    cutter_->Add(samples_, &cut_);
    samples_.clear();
    return TakeSegments();
  }

  absl::StatusOr<Segments> Finish() {
    SOUVENIR_RETURN_IF_ERROR(sampler_->Finish(&samples_));
    cutter_->Add(samples_, &cut_);
    cutter_->Finish(&cut_);
    segments_.duration = cutter_->samples();
    SOUVENIR_RETURN_IF_ERROR(TakeSegments());
    return std::move(segments_);
  }

 private:
  Recording(int rate, int channels, bool keep_pcm, const AudioSettings& settings,
            std::unique_ptr<SpeechSampler> sampler, std::unique_ptr<SegmentCutter> cutter)
      : rate_(rate),
        channels_(channels),
        keep_pcm_(keep_pcm),
        settings_(settings),
        sampler_(std::move(sampler)),
        cutter_(std::move(cutter)) {}

  absl::Status TakeSegments() {
    for (const SpeechSegment& segment : cut_) {
      segments_.starts.push_back(segment.start);
      segments_.ends.push_back(segment.end);
      if (keep_pcm_) {
        AppendBytesElement({reinterpret_cast<const char*>(segment.samples.data()),
                            segment.samples.size() * sizeof(int16_t)},
                           &segments_.pcm);
      }
    }
    cut_.clear();
    const size_t bytes =
        segments_.pcm.size() + segments_.starts.size() * 2 * sizeof(int64_t) + sizeof(int64_t);
    if (bytes <= static_cast<size_t>(settings_.max_answer_bytes)) return absl::OkStatus();
    return absl::InvalidArgumentError(fmt::format(
        "the speech of the recording does not fit into one answer: its first {} seconds have more "
        "than {} bytes, the limit of an answer (max_answer_bytes); cut it, or send it as a stream",
        taken_ / channels_ / rate_, settings_.max_answer_bytes));
  }

  int64_t rate_;
  int64_t channels_;
  bool keep_pcm_;
  AudioSettings settings_;
  std::unique_ptr<SpeechSampler> sampler_;
  std::unique_ptr<SegmentCutter> cutter_;
  int64_t taken_ = 0;  // samples of all channels
  std::vector<int16_t> samples_;
  std::vector<SpeechSegment> cut_;
  Segments segments_;
};

absl::StatusOr<Segments> CutRaw(std::string_view audio, const PcmFormat& format, bool keep_pcm,
                                const AudioSettings& settings) {
  SOUVENIR_ASSIGN_OR_RETURN(Recording recording,
                            Recording::Create(format.rate, format.channels, keep_pcm, settings));
  PcmDecoder decoder(format);
  std::vector<float> frames;
  while (!audio.empty()) {
    const std::string_view piece = audio.substr(0, kPieceBytes);
    audio.remove_prefix(piece.size());
    decoder.Add(piece, &frames);
    SOUVENIR_RETURN_IF_ERROR(recording.Add(frames));
    frames.clear();
  }
  SOUVENIR_RETURN_IF_ERROR(decoder.Finish());
  return recording.Finish();
}

absl::StatusOr<Segments> CutFile(std::string_view audio, bool keep_pcm,
                                 const AudioSettings& settings) {
  SOUVENIR_ASSIGN_OR_RETURN(const std::unique_ptr<AudioFile> file,
                            AudioFile::Open("AUDIO", std::make_unique<AudioBytes>(audio)));
  SOUVENIR_ASSIGN_OR_RETURN(Recording recording,
                            Recording::Create(file->rate(), file->channels(), keep_pcm, settings));
  while (true) {
    SOUVENIR_ASSIGN_OR_RETURN(const absl::Span<const float> frames, file->Read());
    if (frames.empty()) return recording.Finish();
    SOUVENIR_RETURN_IF_ERROR(recording.Add(frames));
  }
}

}  // namespace

absl::StatusOr<Segments> CutRecording(std::string_view audio, std::string_view format,
                                      bool keep_pcm, const AudioSettings& settings) {
  if (format.empty()) return CutFile(audio, keep_pcm, settings);
  SOUVENIR_ASSIGN_OR_RETURN(const PcmFormat parsed, ParsePcmFormat(format));
  return CutRaw(audio, parsed, keep_pcm, settings);
}

}  // namespace souvenir::compute
