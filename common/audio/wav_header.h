#pragma once

#include <cstdint>
#include <string>

namespace souvenir {

// Returns the 44 bytes in front of the samples of a WAV file with one channel of signed 16-bit
// samples, little-endian. Source: "Multimedia Programming Interface and Data Specifications 1.0",
// IBM and Microsoft, 1991. `sample_rate` is in Hertz. REQUIRES: `sample_bytes` is below 4 GiB - 36.
std::string WavHeader(uint32_t sample_rate, uint32_t sample_bytes);

}  // namespace souvenir
