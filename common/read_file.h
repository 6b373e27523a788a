#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/unique_fd.h"

namespace souvenir {

class Sha256;

// The only functions of the project that read files. They do not throw, and wait only for disks.
// Anything but a regular file is refused before it is read, with its kind ("it is a directory"). A
// FIFO is refused even if nobody has opened it for writing.
//
// Errors begin with "cannot read <path>: ". NOT_FOUND or PERMISSION_DENIED if the system says so;
// FAILED_PRECONDITION if the file is not a regular one; RESOURCE_EXHAUSTED above a limit; ABORTED
// if the size of the file changed during the call; INTERNAL for any other error, as EIO.

// Reads a whole file of at most `most_bytes`. A larger one is never read into memory as a whole.
absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t most_bytes);

// Adds a file to `hash` as one part. Reads it in pieces, since it may be larger than memory. After
// an error the hash is unusable.
absl::Status HashFile(const std::string& path, Sha256* hash);

// Opens a file for reading, for libraries that read descriptors.
absl::StatusOr<UniqueFd> OpenRegularFile(const std::string& path);

// Reads a file in pieces. Owned by its caller; not thread-safe.
class FileReader {
 public:
  enum class Kinds {
    kRegular,
    // Pipes and devices too, for files that a user names on a command line. Open() waits until a
    // pipe has a writer, and Read() until there are bytes. A directory is refused.
    kAnyStream,
  };
  static absl::StatusOr<FileReader> Open(const std::string& path, Kinds kinds = Kinds::kRegular);

  // Returns the size in bytes at the time of Open(); 0 for files without a size, as a pipe or a
  // file of /proc.
  uint64_t size() const { return size_; }

  // Reads up to `size` bytes and returns their number. It is smaller than `size` only at the end of
  // the file. ABORTED if the file ends before size().
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
