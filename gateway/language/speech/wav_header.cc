#include "gateway/language/speech/wav_header.h"

#include <algorithm>
#include <string_view>

namespace souvenir::gateway {

WavHeaderBytes WavHeader(uint32_t sample_rate, uint32_t pcm_bytes) {
  WavHeaderBytes header{};
  char* out = header.data();
  const auto text = [&](std::string_view name) { out = std::copy(name.begin(), name.end(), out); };
  // Numbers are little-endian.
  const auto number = [&](uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) *out++ = static_cast<char>(value >> (8 * i) & 0xFF);
  };
  constexpr uint32_t kSampleBytes = 2;
  text("RIFF");
  number(static_cast<uint32_t>(header.size()) - 8 + pcm_bytes, 4);
  text("WAVEfmt ");
  number(16, 4);  // bytes of the description that follows
  number(1, 2);   // PCM
  number(1, 2);   // channels
  number(sample_rate, 4);
  number(sample_rate * kSampleBytes, 4);  // bytes of a second
  number(kSampleBytes, 2);                // bytes of a sample of all channels
  number(8 * kSampleBytes, 2);            // bits of a sample
  text("data");
  number(pcm_bytes, 4);
  return header;
}

}  // namespace souvenir::gateway
