#include "common/audio/wav_header.h"

#include <cstddef>

namespace souvenir {
namespace {

constexpr uint32_t kCountedBytes = 36;  // of the header, that its own length counts
constexpr uint32_t kBytesPerSample = 2;

// Appends the lowest `bytes` of `number`, little-endian.
void AppendNumber(uint32_t number, size_t bytes, std::string* out) {
  for (size_t i = 0; i < bytes; ++i) *out += static_cast<char>(number >> (8 * i));
}

}  // namespace

std::string WavHeader(uint32_t sample_rate, uint32_t sample_bytes) {
  std::string header = "RIFF";
  AppendNumber(kCountedBytes + sample_bytes, 4, &header);
  header += "WAVEfmt ";
  AppendNumber(16, 4, &header);  // bytes of this part
  AppendNumber(1, 2, &header);   // PCM
  AppendNumber(1, 2, &header);   // channels
  AppendNumber(sample_rate, 4, &header);
  AppendNumber(sample_rate * kBytesPerSample, 4, &header);  // bytes in a second
  AppendNumber(kBytesPerSample, 2, &header);                // bytes of all channels' samples
  AppendNumber(8 * kBytesPerSample, 2, &header);            // bits of a sample
  header += "data";
  AppendNumber(sample_bytes, 4, &header);
  return header;
}

}  // namespace souvenir
