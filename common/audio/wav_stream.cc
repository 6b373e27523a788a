#include "common/audio/wav_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "common/status_macros.h"

namespace souvenir {
namespace {

constexpr size_t kChunkHeadBytes = 8;
constexpr uint32_t kLeastFormatBytes = 16;
constexpr uint32_t kMostFormatBytes = 4'096;
constexpr size_t kSubformatAt = 24;  // of the extensible format, whose first two bytes are a tag
constexpr uint32_t kExtensible = 0xfffe;

// From here on, a length is that of a program which does not know it. arecord writes almost 2 GiB,
// and ffmpeg 4 GiB - 1.
constexpr uint32_t kLeastUnknown = 0x7fff0000;

uint32_t Number(std::string_view bytes, size_t at, size_t size) {
  uint32_t number = 0;
  for (size_t i = 0; i < size; ++i) {
    number |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  }
  return number;
}

absl::Status Refused(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("the WAV file {}", what));
}

std::optional<PcmEncoding> EncodingOf(uint32_t tag, uint32_t bits) {
  switch (tag) {
    case 1:  // PCM
      switch (bits) {
        case 8:
          return PcmEncoding::kU8;
        case 16:
          return PcmEncoding::kS16le;
        case 24:
          return PcmEncoding::kS24le;
        case 32:
          return PcmEncoding::kS32le;
        default:
          return std::nullopt;
      }
    case 3:  // IEEE floating point
      return bits == 32 ? std::optional(PcmEncoding::kF32le) : std::nullopt;
    case 6:
      return bits == 8 ? std::optional(PcmEncoding::kAlaw) : std::nullopt;
    case 7:
      return bits == 8 ? std::optional(PcmEncoding::kMulaw) : std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

bool WavStream::IsWav(std::string_view first) {
  return first.size() >= kFirstBytes && first.substr(0, 4) == "RIFF" &&
         first.substr(8, 4) == "WAVE";
}

absl::Status WavStream::Add(std::string_view bytes, std::string* audio) {
  while (!bytes.empty()) {
    switch (part_) {
      case Part::kHead:
        if (!Gather(kFirstBytes, &bytes)) return absl::OkStatus();
        if (!IsWav(held_)) return Refused("does not begin with RIFF and WAVE");
        held_.clear();
        part_ = Part::kChunkHead;
        break;
      case Part::kChunkHead:
        if (!Gather(kChunkHeadBytes, &bytes)) return absl::OkStatus();
        SOUVENIR_RETURN_IF_ERROR(BeginChunk());
        held_.clear();
        break;
      case Part::kFormat:
        if (!Gather(static_cast<size_t>(left_), &bytes)) return absl::OkStatus();
        SOUVENIR_RETURN_IF_ERROR(ReadFormat());
        held_.clear();
        part_ = Part::kChunkHead;
        break;
      case Part::kSkipped:
      case Part::kSamples: {
        const auto count = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
        if (part_ == Part::kSamples) audio->append(bytes.substr(0, count));
        bytes.remove_prefix(count);
        left_ -= count;
        if (left_ == 0) part_ = part_ == Part::kSamples ? Part::kRest : Part::kChunkHead;
        break;
      }
      case Part::kRest:
        return absl::OkStatus();
    }
  }
  return absl::OkStatus();
}

bool WavStream::Gather(size_t size, std::string_view* bytes) {
  const size_t count = std::min(size - held_.size(), bytes->size());
  held_.append(bytes->substr(0, count));
  bytes->remove_prefix(count);
  return held_.size() == size;
}

absl::Status WavStream::BeginChunk() {
  const std::string_view id = std::string_view(held_).substr(0, 4);
  const uint32_t size = Number(held_, 4, 4);
  if (id == "data") {
    if (!format_) return Refused("has no format before its samples");
    part_ = Part::kSamples;
    left_ = size == 0 || size >= kLeastUnknown ? std::numeric_limits<uint64_t>::max() : size;
    return absl::OkStatus();
  }
  left_ = uint64_t{size} + size % 2;  // chunks begin at even places
  if (id == "fmt ") {
    if (format_) return Refused("has two formats");
    if (size < kLeastFormatBytes || size > kMostFormatBytes) {
      return Refused(fmt::format("has a format of {} bytes; {} to {} are expected", size,
                                 kLeastFormatBytes, kMostFormatBytes));
    }
    part_ = Part::kFormat;
  } else {
    part_ = left_ == 0 ? Part::kChunkHead : Part::kSkipped;
  }
  return absl::OkStatus();
}

absl::Status WavStream::ReadFormat() {
  uint32_t tag = Number(held_, 0, 2);
  if (tag == kExtensible && held_.size() >= kSubformatAt + 2) tag = Number(held_, kSubformatAt, 2);
  const uint32_t channels = Number(held_, 2, 2);
  const uint32_t rate = Number(held_, 4, 4);
  const uint32_t frame_bytes = Number(held_, 12, 2);
  const uint32_t bits = Number(held_, 14, 2);
  const std::optional<PcmEncoding> encoding = EncodingOf(tag, bits);
  if (!encoding) {
    return Refused(
        fmt::format("has samples of {} bits in the encoding {}, which cannot be read "
                    "while it comes; PCM of 8 to 32 bits, floats of 32 bits, A-law and "
                    "mu-law can",
                    bits, tag));
  }
  if (channels < 1 || channels > static_cast<uint32_t>(kMostChannels)) {
    return Refused(fmt::format("has {} channels; 1 to {} are supported", channels, kMostChannels));
  }
  if (rate < static_cast<uint32_t>(kLeastSampleRate) ||
      rate > static_cast<uint32_t>(kMostSampleRate)) {
    return Refused(fmt::format("has {} samples a second; {} to {} are supported", rate,
                               kLeastSampleRate, kMostSampleRate));
  }
  const PcmFormat format{.encoding = *encoding,
                         .rate = static_cast<int>(rate),
                         .channels = static_cast<int>(channels)};
  if (frame_bytes != format.frame_bytes()) {
    return Refused(fmt::format("has frames of {} bytes, where {} are expected for {}", frame_bytes,
                               format.frame_bytes(), PcmFormatText(format)));
  }
  format_ = format;
  return absl::OkStatus();
}

absl::Status WavStream::Finish() const {
  if (part_ == Part::kSamples || part_ == Part::kRest) return absl::OkStatus();
  return Refused("ends before its samples");
}

}  // namespace souvenir
