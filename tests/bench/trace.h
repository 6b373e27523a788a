#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace souvenir::bench {

struct TraceRequest {
  uint64_t key;
  uint64_t bytes;  // size of the object; 0 if the trace has none
};

// Reads a trace of requests in one of these formats:
//
//   be32    32-bit big-endian keys
//   be64    64-bit big-endian keys
//   keys    a key per line, a number or any text
//   text    lines `time key size`, separated by blanks or commas
//   oracle  libCacheSim's oracleGeneral: u32 time, u64 key, u32 size, i64 next, little-endian
//
// or generates one: `scan` (a skewed working set with scans in between), `loop`, `zipf`. The file
// "-" is the standard input. A file whose name ends in ".xz" is decompressed. Errors name the file,
// the position and the expected form.
absl::StatusOr<std::vector<TraceRequest>> ReadTrace(const std::string& file,
                                                    const std::string& format);

}  // namespace souvenir::bench
