#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "cache/entry.h"
#include "common/tensor/tensor.h"

namespace souvenir::gateway {

// The tensors of models for speech, as docs/speech.md describes them for those who bring a model.
// Samples are signed 16-bit integers, little-endian, of one channel.

inline constexpr std::string_view kSegmentationTask = "segmentation";
inline constexpr std::string_view kEncodingTask = "encoding";
inline constexpr std::string_view kTranscriptionTask = "transcription";
inline constexpr std::string_view kSynthesisTask = "synthesis";

// The rate of the samples between segmentation and transcription, in Hertz.
inline constexpr int64_t kSegmentRate = 16'000;

inline constexpr std::string_view kAudioTensor = "AUDIO";
inline constexpr std::string_view kFormatTensor = "FORMAT";
inline constexpr std::string_view kLanguageTensor = "LANGUAGE";
inline constexpr std::string_view kTextTensor = "TEXT";
inline constexpr std::string_view kVoiceTensor = "VOICE";
inline constexpr std::string_view kRateTensor = "RATE";
inline constexpr std::string_view kPitchTensor = "PITCH";
inline constexpr std::string_view kPcmTensor = "PCM";
inline constexpr std::string_view kSampleRateTensor = "SAMPLE_RATE";
inline constexpr std::string_view kContainerTensor = "CONTAINER";

// The shapes of one element: of a model without a batch dimension, and of one row of a batch.
inline constexpr std::array<int64_t, 1> kElementShape = {1};
inline constexpr std::array<int64_t, 2> kElementRowShape = {1, 1};

// Returns a duration of samples.
inline absl::Duration DurationOfSamples(int64_t samples, int64_t rate) {
  return absl::Seconds(samples / rate) + absl::Nanoseconds(samples % rate * 1'000'000'000 / rate);
}

// The readers below take an answer of a model, which is not trusted, and return views of the entry.
// INTERNAL names the model and what is wrong with its answer.

// The segments of a recording.
struct Segmentation {
  struct Segment {
    int64_t start;                // first sample, counted from the start of the recording
    int64_t end;                  // one past the last sample
    std::string_view framed_pcm;  // the samples as a BYTES element
  };
  std::vector<Segment> segments;  // in order, without overlaps
  int64_t samples = 0;            // of the whole recording
};
absl::StatusOr<Segmentation> ReadSegmentation(const cache::Entry& entry);

// A recognised segment.
struct Recognition {
  struct Word {
    std::string word;
    absl::Duration start;  // since the start of the segment
    absl::Duration end;
    std::optional<float> confidence;
  };
  std::string_view text;
  std::vector<Word> words;  // in order; empty if the model does not tell them
  std::optional<float> confidence;
  std::string_view language;  // as heard; "" if the model does not tell it
};
absl::StatusOr<Recognition> ReadRecognition(const cache::Entry& entry);

// A spoken text.
struct SpokenText {
  std::string_view pcm;
  int64_t sample_rate = 0;
};
absl::StatusOr<SpokenText> ReadSpokenText(const cache::Entry& entry);

// Returns the file of an encoding model.
absl::StatusOr<std::string_view> ReadEncodedAudio(const cache::Entry& entry);

}  // namespace souvenir::gateway
