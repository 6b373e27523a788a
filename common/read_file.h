#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/unique_fd.h"

namespace souvenir {

class Sha256;

// The one way in which files are read here. Nothing of it throws, and none of it waits for anything
// but a disk: what is no regular file is refused by what it is ("it is a directory"), before it is
// read, and a FIFO before anybody has it open for writing.
//
// Errors begin with "cannot read <path>: ". NOT_FOUND and PERMISSION_DENIED as the system says so;
// FAILED_PRECONDITION for what is no regular file; RESOURCE_EXHAUSTED above a limit; ABORTED where
// the file changed its size while it was read; INTERNAL for the rest, EIO for example.

// The whole file. Above `most_bytes` no more than that is ever in memory.
absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t most_bytes);

// Adds the file to `hash` as one part, in pieces: it may be larger than memory. After an error the
// hash is of no use.
absl::Status HashFile(const std::string& path, Sha256* hash);

// Opened for reading, for libraries that read descriptors.
absl::StatusOr<UniqueFd> OpenRegularFile(const std::string& path);

// A file that is read in pieces. Owned by its caller; not thread-safe.
class FileReader {
 public:
  enum class Kinds {
    kRegular,
    // Pipes and devices too, where somebody at a terminal names the file: Open() waits until a pipe
    // has a writer, Read() until there is something. A directory is refused.
    kAnyStream,
  };
  static absl::StatusOr<FileReader> Open(const std::string& path, Kinds kinds = Kinds::kRegular);

  // Bytes, when it was opened; 0 for what has no size: a pipe, a file of /proc.
  uint64_t size() const { return size_; }

  // Reads up to `size` bytes, fewer at the end only, where 0 is the end. ABORTED for an end before
  // size().
  absl::StatusOr<size_t> Read(char* buffer, size_t size);

 private:
  FileReader(std::string path, UniqueFd file, uint64_t size)
      : path_(std::move(path)), file_(std::move(file)), size_(size) {}

  std::string path_;
  UniqueFd file_;
  uint64_t size_;
  uint64_t read_ = 0;
};

}  // namespace souvenir
