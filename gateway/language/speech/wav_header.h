#pragma once

#include <array>
#include <cstdint>

namespace souvenir::gateway {

using WavHeaderBytes = std::array<char, 44>;

// Returns the header of a WAV file with one channel of signed 16-bit samples, which follow it.
// Source: "Multimedia Programming Interface and Data Specifications 1.0", IBM and Microsoft, 1991.
// REQUIRES: `pcm_bytes` is below 4 GiB - 36.
WavHeaderBytes WavHeader(uint32_t sample_rate, uint32_t pcm_bytes);

}  // namespace souvenir::gateway
