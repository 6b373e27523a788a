#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cli/console.h"

namespace souvenir::cli {

// Bytes that are read little by little. Owned by its reader; not thread-safe, except Stop().
class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Reads up to `size` bytes and returns their number: at least 1, or 0 at the end. Waits for the
  // first. INTERNAL gives the reason if they cannot be read.
  virtual absl::StatusOr<size_t> Read(char* buffer, size_t size) = 0;

  // Ends the bytes here, for a Read() that waits and for later ones. Does nothing for a source that
  // does not keep its reader waiting.
  virtual void Stop() {}
};

// Returns standard input. The first SIGINT while it exists ends it, and not the process: whoever
// dictates ends the recording with Ctrl-C, and still wants the end of the text. The next one ends
// the process, as always. `console` outlives it.
std::unique_ptr<ByteSource> MakeStandardInput(Console& console);

// Returns the bytes of a regular file. Errors as in common/read_file.h.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenFileBytes(const std::string& path);

// Returns `bytes`.
std::unique_ptr<ByteSource> MakeBytes(std::string bytes);

}  // namespace souvenir::cli
