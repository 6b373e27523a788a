#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace souvenir {

// Limits of raw audio. Below 8 kHz speech cannot be understood, and a rate of 1 Hz would be
// resampled to 16,000 times its size.
inline constexpr int kLeastSampleRate = 8'000;
inline constexpr int kMostSampleRate = 192'000;
inline constexpr int kMostChannels = 8;

// The way in which a sample is written. The names in a format are those without the k, in lower
// case.
enum class PcmEncoding { kS16le, kS16be, kS24le, kS32le, kF32le, kU8, kMulaw, kAlaw };

// Raw audio: frames of one sample for each channel, one after another.
struct PcmFormat {
  PcmEncoding encoding = PcmEncoding::kS16le;
  int rate = 0;      // frames a second
  int channels = 1;  // samples of a frame

  size_t frame_bytes() const;
};

// Returns the name of an encoding, as "s16le".
std::string_view PcmEncodingName(PcmEncoding encoding);

// Returns the size of one sample in bytes.
size_t BytesPerSample(PcmEncoding encoding);

// Parses "ENCODING;rate=R;channels=C", as "s16le;rate=44100;channels=2". The rate is required, and
// `channels` is 1 if it is left out. INVALID_ARGUMENT names the part at fault and the expected one.
absl::StatusOr<PcmFormat> ParsePcmFormat(std::string_view text);

// Returns the format as ParsePcmFormat() reads it.
std::string PcmFormatText(const PcmFormat& format);

}  // namespace souvenir
