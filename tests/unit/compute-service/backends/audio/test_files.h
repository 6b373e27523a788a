#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace souvenir::compute {

// Kinds of file that libsndfile writes for tests.
enum class FileKind {
  kWav16,
  kWav24,
  kWavFloat,
  kWavDouble,
  kWavMulaw,
  kWavAlaw,
  kAiff,
  kFlac,
  kVorbis,
  kOpus,
  kMp3,
};

// Returns a file with these samples, interleaved.
std::string MakeFile(FileKind kind, int rate, int channels, absl::Span<const float> samples);

// Returns a file with one channel at 16 kHz.
std::string MakeFile(FileKind kind, absl::Span<const int16_t> samples);

// What a file has, as libsndfile reads it.
struct FileContent {
  int rate = 0;
  int channels = 0;
  std::string kind;  // as "FLAC (Free Lossless Audio Codec)"
  std::vector<int16_t> samples;
};
FileContent ReadAudio(const std::string& bytes);

// Returns a recording of the package pocketsphinx-testdata by its path in the package's folder.
// Those in librivox/ are sentences of a novel, those in cards/ names of playing cards.
std::vector<int16_t> SpokenRecording(const std::string& name);

// The bytes of 16-bit samples.
std::string PcmBytes(absl::Span<const int16_t> samples);

}  // namespace souvenir::compute
