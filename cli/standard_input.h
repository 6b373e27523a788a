#pragma once

#include <cstddef>
#include <istream>
#include <string>

#include "absl/status/statusor.h"

namespace souvenir::cli {

// Standard input, whatever it is: a file, a pipe, a terminal, or what a shell puts there without a
// thought, a directory. Neither throws. INTERNAL says why it could not be read.

// Fills `buffer` with `size` bytes but at the end; 0 is the end.
absl::StatusOr<size_t> Read(std::istream& in, char* buffer, size_t size);

// All of it. RESOURCE_EXHAUSTED above `most_bytes`, without reading on.
absl::StatusOr<std::string> ReadAll(std::istream& in, size_t most_bytes);

}  // namespace souvenir::cli
