#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace souvenir::bench {

struct TraceRequest {
  uint64_t key;
  uint64_t bytes;  // of the object; 0 where the trace does not say
};

// Reads a trace of requests:
//
//   be32    a 32-bit big-endian key each
//   be64    a 64-bit big-endian key each
//   keys    a key a line, a number or any text
//   text    lines `time key size`, parted by blanks or commas
//   oracle  libCacheSim's oracleGeneral: u32 time, u64 key, u32 size, i64 next, little-endian
//
// or makes one: `scan` (a skewed working set, run over by scans), `loop`, `zipf`. "-" reads
// standard input; a file whose name ends in ".xz" is decompressed. Errors name the file, the place
// and what was expected.
absl::StatusOr<std::vector<TraceRequest>> ReadTrace(const std::string& file,
                                                    const std::string& format);

}  // namespace souvenir::bench
