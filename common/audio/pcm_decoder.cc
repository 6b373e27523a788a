#include "common/audio/pcm_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace souvenir {
namespace {

// Returns byte `i` of a sample, moved to the bits from `shift`.
uint32_t Byte(const char* sample, int i, int shift) {
  return static_cast<uint32_t>(static_cast<uint8_t>(sample[i])) << shift;
}

// Returns a sample whose bits begin at the highest one. Exact up to 24 bits.
float FromHighBits(uint32_t bits) {
  return static_cast<float>(static_cast<int32_t>(bits)) / 2147483648.0F;
}

// ITU-T G.711, mu-law: a sign, 3 bits of exponent and 4 of mantissa, all inverted; 14 bits, here
// moved to 16.
float FromMulaw(uint8_t byte) {
  const uint8_t bits = ~byte;
  const int exponent = bits >> 4 & 7;
  const int magnitude = (((bits & 15) << 3) + 0x84) * (1 << exponent) - 0x84;
  return static_cast<float>((bits & 0x80) != 0 ? -magnitude : magnitude) / 32768.0F;
}

// ITU-T G.711, A-law: the same with every second bit inverted and a set sign for positive numbers;
// 13 bits, here moved to 16.
float FromAlaw(uint8_t byte) {
  const uint8_t bits = byte ^ 0x55;
  const int exponent = bits >> 4 & 7;
  const int mantissa = ((bits & 15) << 4) + 8;
  const int magnitude = exponent == 0 ? mantissa : (mantissa + 0x100) * (1 << (exponent - 1));
  return static_cast<float>((bits & 0x80) != 0 ? magnitude : -magnitude) / 32768.0F;
}

float Decode(PcmEncoding encoding, const char* sample) {
  switch (encoding) {
    case PcmEncoding::kS16le:
      return FromHighBits(Byte(sample, 0, 16) | Byte(sample, 1, 24));
    case PcmEncoding::kS16be:
      return FromHighBits(Byte(sample, 1, 16) | Byte(sample, 0, 24));
    case PcmEncoding::kS24le:
      return FromHighBits(Byte(sample, 0, 8) | Byte(sample, 1, 16) | Byte(sample, 2, 24));
    case PcmEncoding::kS32le:
      return FromHighBits(Byte(sample, 0, 0) | Byte(sample, 1, 8) | Byte(sample, 2, 16) |
                          Byte(sample, 3, 24));
    case PcmEncoding::kF32le:
      return std::bit_cast<float>(Byte(sample, 0, 0) | Byte(sample, 1, 8) | Byte(sample, 2, 16) |
                                  Byte(sample, 3, 24));
    case PcmEncoding::kU8:
      return FromHighBits(Byte(sample, 0, 24) ^ 0x80000000U);
    case PcmEncoding::kMulaw:
      return FromMulaw(static_cast<uint8_t>(*sample));
    case PcmEncoding::kAlaw:
      return FromAlaw(static_cast<uint8_t>(*sample));
  }
  return 0;
}

void DecodeFrames(PcmEncoding encoding, std::string_view frames, std::vector<float>* samples) {
  const size_t step = BytesPerSample(encoding);
  for (size_t at = 0; at + step <= frames.size(); at += step) {
    samples->push_back(Decode(encoding, frames.data() + at));
  }
}

}  // namespace

void PcmDecoder::Add(std::string_view bytes, std::vector<float>* samples) {
  const size_t frame = format_.frame_bytes();
  if (!begun_.empty()) {
    const size_t missing = std::min(frame - begun_.size(), bytes.size());
    begun_.append(bytes.substr(0, missing));
    bytes.remove_prefix(missing);
    if (begun_.size() < frame) return;
    DecodeFrames(format_.encoding, begun_, samples);
    begun_.clear();
  }
  const size_t whole = bytes.size() / frame * frame;
  DecodeFrames(format_.encoding, bytes.substr(0, whole), samples);
  begun_ = bytes.substr(whole);
}

absl::Status PcmDecoder::Finish() const {
  if (begun_.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("the raw audio ends inside a frame: {} bytes are left, and a frame of {} has {}",
                  begun_.size(), PcmFormatText(format_), format_.frame_bytes()));
}

}  // namespace souvenir
