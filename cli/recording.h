#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace souvenir::cli {

// Thirty-two times what a gateway takes by default. Several recordings are in memory at once.
inline constexpr size_t kMostRecordingBytes = 512u << 20;

// Returns the bytes of a file, a pipe or a device. Errors as in common/read_file.h.
// RESOURCE_EXHAUSTED above kMostRecordingBytes.
absl::StatusOr<std::string> ReadRecording(const std::string& file);

// Returns what to do about a recording that is too large, in sentences.
std::vector<std::string> SmallerRecordingHints();

}  // namespace souvenir::cli
