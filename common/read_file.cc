#include "common/read_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "common/sha256.h"
#include "common/status_macros.h"

namespace souvenir {
namespace {

constexpr size_t kPieceBytes = 1 << 20;

std::string CannotRead(const std::string& path, std::string_view reason) {
  return fmt::format("cannot read {}: {}", path, reason);
}

absl::Status SystemError(const std::string& path, int error) {
  const std::string message = CannotRead(path, std::generic_category().message(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(message);
    default:
      return absl::InternalError(message);
  }
}

std::string_view NameOfKind(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "a directory";
    case S_IFIFO:
      return "a pipe";
    case S_IFSOCK:
      return "a socket";
    case S_IFCHR:
    case S_IFBLK:
      return "a device";
    default:
      return "of no known kind";
  }
}

absl::Status NoRegularFile(const std::string& path, mode_t mode) {
  return absl::FailedPreconditionError(
      CannotRead(path, fmt::format("it is {}, not a regular file", NameOfKind(mode))));
}

absl::Status TooLarge(const std::string& path, uint64_t most_bytes) {
  return absl::ResourceExhaustedError(
      CannotRead(path, fmt::format("it has more than {} bytes, which is the limit", most_bytes)));
}

struct Opened {
  UniqueFd file;
  uint64_t size;
};

absl::StatusOr<Opened> OpenFile(const std::string& path, FileReader::Kinds kinds) {
  const bool any = kinds == FileReader::Kinds::kAnyStream;
  // O_NONBLOCK avoids waiting for the writer of a pipe. It has no effect on regular files.
  const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | (any ? 0 : O_NONBLOCK);
  UniqueFd file;
  do {
    file = UniqueFd(open(path.c_str(), flags));
  } while (!file && errno == EINTR);
  if (!file) {
    const int error = errno;
    struct stat status {};
    // ENXIO is the error for a socket, which cannot be opened.
    if (error == ENXIO && stat(path.c_str(), &status) == 0) {
      return NoRegularFile(path, status.st_mode);
    }
    return SystemError(path, error);
  }
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return SystemError(path, errno);
  if (S_ISREG(status.st_mode)) {
    return Opened{std::move(file), static_cast<uint64_t>(status.st_size)};
  }
  if (!any || S_ISDIR(status.st_mode)) return NoRegularFile(path, status.st_mode);
  return Opened{std::move(file), 0};
}

}  // namespace

absl::StatusOr<FileReader> FileReader::Open(const std::string& path, Kinds kinds) {
  SOUVENIR_ASSIGN_OR_RETURN(Opened opened, OpenFile(path, kinds));
  return FileReader(path, std::move(opened.file), opened.size);
}

absl::StatusOr<size_t> FileReader::Read(char* buffer, size_t size) {
  size_t filled = 0;
  while (filled < size) {
    const ssize_t part = read(file_.get(), buffer + filled, size - filled);
    if (part < 0 && errno == EINTR) continue;
    if (part < 0) return SystemError(path_, errno);
    if (part == 0) break;
    filled += static_cast<size_t>(part);
  }
  read_ += filled;
  if (filled < size && read_ < size_) {
    return absl::AbortedError(CannotRead(
        path_,
        fmt::format("it ended after {} of {} bytes: it was truncated meanwhile", read_, size_)));
  }
  return filled;
}

absl::StatusOr<UniqueFd> OpenRegularFile(const std::string& path) {
  SOUVENIR_ASSIGN_OR_RETURN(Opened opened, OpenFile(path, FileReader::Kinds::kRegular));
  return std::move(opened.file);
}

absl::StatusOr<std::string> ReadFile(const std::string& path, uint64_t most_bytes) {
  SOUVENIR_ASSIGN_OR_RETURN(FileReader file, FileReader::Open(path));
  if (file.size() > most_bytes) return TooLarge(path, most_bytes);
  std::string bytes;
  // Asking for a byte more than expected detects the end. Files of /proc have no size, hence a
  // minimum.
  size_t next = std::max<size_t>(file.size(), 4095) + 1;
  for (;;) {
    const size_t before = bytes.size();
    bytes.resize(before + next);
    SOUVENIR_ASSIGN_OR_RETURN(const size_t size, file.Read(bytes.data() + before, next));
    bytes.resize(before + size);
    if (bytes.size() > most_bytes) return TooLarge(path, most_bytes);
    if (size < next) return bytes;
    next = std::min<uint64_t>(kPieceBytes, most_bytes - bytes.size()) + 1;
  }
}

absl::Status HashFile(const std::string& path, Sha256* hash) {
  SOUVENIR_ASSIGN_OR_RETURN(FileReader file, FileReader::Open(path));
  hash->BeginPart(file.size());
  std::vector<char> piece(kPieceBytes);
  uint64_t hashed = 0;
  for (size_t size = piece.size(); size == piece.size() && hashed <= file.size();) {
    SOUVENIR_ASSIGN_OR_RETURN(size, file.Read(piece.data(), piece.size()));
    hash->AddPiece({piece.data(), size});
    hashed += size;
  }
  if (hashed == file.size()) return absl::OkStatus();
  return absl::AbortedError(
      CannotRead(path, fmt::format("it grew beyond its {} bytes meanwhile", file.size())));
}

}  // namespace souvenir
