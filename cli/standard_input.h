#pragma once

#include <cstddef>
#include <istream>
#include <string>

#include "absl/status/statusor.h"

namespace souvenir::cli {

// Read standard input, which may be a file, a pipe, a terminal, or a directory that cannot be read.
// Neither function throws. INTERNAL gives the reason if it cannot be read.

// Fills `buffer` with `size` bytes, or fewer at the end. Returns how many; 0 is the end.
absl::StatusOr<size_t> Read(std::istream& in, char* buffer, size_t size);

// Returns all of it. RESOURCE_EXHAUSTED above `most_bytes`; the rest is not read.
absl::StatusOr<std::string> ReadAll(std::istream& in, size_t most_bytes);

}  // namespace souvenir::cli
